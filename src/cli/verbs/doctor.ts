import type { Command } from 'commander';
import type { Arch } from '../../driver/driver.ts';
import { VzshellError } from '../../errors.ts';
import { checkup, type Finding } from '../checkup.ts';
import type { Outcome } from '../outcome.ts';

const MARKS: Readonly<Record<Finding['level'], string>> = { ok: 'ok', note: '--', problem: '!!' };

export function addDoctor(program: Command, outcome: Outcome): void {
  program
    .command('doctor')
    .description('what this host can do, what is missing, and how to get it; exit code 1 when VMs cannot run')
    .option('--json', 'as JSON')
    .option('--arch <ARCH>', "for guests of this architecture (default: the host's)")
    .action(async ({ json, arch }: { readonly json?: true; readonly arch?: string }) => {
      const { ok, arch: looked, findings } = await checkup(checkArch(arch));
      if (json) process.stdout.write(`${JSON.stringify({ ok, arch: looked, findings }, null, 2)}\n`);
      else
        process.stdout.write(
          `${findings.map(line).join('')}${ok ? `ready to run ${looked} guests` : `cannot run ${looked} guests yet`}\n`,
        );
      outcome.code = ok ? 0 : 1;
    });
}

function checkArch(arch: string | undefined): Arch | undefined {
  if (arch === undefined || arch === 'arm64' || arch === 'x86_64') return arch;
  throw new VzshellError('ERR_INVALID_OPTION', `--arch: expected 'arm64' or 'x86_64', got '${arch}'`);
}

function line({ what, level, detail, fix }: Finding): string {
  const indented = detail.replace(/\n/g, '\n     ');
  return `${MARKS[level]}  ${what}: ${indented}\n${fix === undefined ? '' : `      ${fix.replace(/\n/g, '\n      ')}\n`}`;
}
