import type { Command } from 'commander';
import { megabytes } from '../../image/problem.ts';
import { Vm } from '../../vm/vm.ts';
import type { Outcome } from '../outcome.ts';
import { say } from '../report.ts';
import { targetVm } from '../target.ts';

export function addStore(program: Command, outcome: Outcome): void {
  program
    .command('store')
    .description("what the layers of a running VM's Nix store hold: volume, image, host")
    .argument('[vm]', 'name or id (default: the VM of this project)')
    .option('--json', 'as JSON')
    .option('--verify', 'check every file of the store; exits 1 when one is damaged')
    .action(async (named: string | undefined, { json, verify }: { readonly json?: true; readonly verify?: true }) => {
      const vm = await Vm.connect(await targetVm(named));
      if (verify) {
        const check = await vm.exec('nix-store', ['--verify', '--check-contents'], { user: 'root', reject: false });
        process.stderr.write(check.stderr);
        if (check.exitCode !== 0 || /was modified|disappeared/.test(check.stderr)) outcome.code = 1;
        return;
      }
      const report = await vm.storeReport();
      if (json) {
        process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
        return;
      }
      const rows = report.layers.map(({ layer, paths, bytes }) => [layer, String(paths), megabytes(bytes)]);
      for (const [layer = '', paths = '', size = ''] of [['LAYER', 'PATHS', 'SIZE'], ...rows]) {
        process.stdout.write(`${layer.padEnd(8)}${paths.padStart(7)}  ${size.padStart(10)}\n`);
      }
      if (report.reason !== null) say(`the host's store is not used: ${report.reason}`);
    });
}
