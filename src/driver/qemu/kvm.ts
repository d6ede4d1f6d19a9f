// KVM is believed only after a guest ran under it. `/dev/kvm` may open and create a machine, and the first vector instruction
// in long mode still ends it: QEMU then neither exits nor says so except by a STOP event (research: Lima waits for minutes).

import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { VzshellError } from '../../errors.ts';
import type { Arch, MachineSpec } from '../driver.ts';
import { logTail } from '../tail.ts';
import type { Accelerator } from './arguments.ts';
import { startChild } from './child.ts';
import { probeKernel } from './kvm-probe.ts';
import type { Program } from './programs.ts';
import { Qmp, type QmpEvent } from './qmp.ts';
import type { Memory } from './remember.ts';

/** Milliseconds in which the probe's guest has to end; it takes 40 to 140 where it works. */
const DEADLINE = 2_000;
const TOO_LATE = 'the guest did not end in time';
/** What `isa-debug-exit` makes of the 0x2a that the x86 payload writes. */
const X86_WORKS = 85;

export interface Acceleration {
  readonly name: Accelerator;
  /** Why it is not hardware; null when it is. */
  readonly note: string | null;
}

export interface ProbeTools {
  readonly qemu: Program;
  readonly setpriv: Program;
  readonly qboot: boolean;
}

/** Hardware where a guest of this architecture really runs under it, else emulation and the reason. */
export async function chooseAcceleration(arch: Arch, tools: ProbeTools, memory: Memory): Promise<Acceleration> {
  const host = process.arch === 'arm64' ? 'arm64' : 'x86_64';
  if (arch !== host) return emulation(`an ${arch} guest on an ${host} host can only be emulated`);
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
  } catch (error) {
    const denied = (error as NodeJS.ErrnoException).code === 'EACCES';
    return emulation(
      denied
        ? '/dev/kvm may not be opened by this user (sudo usermod -aG kvm "$USER", then log in again)'
        : 'this host has no /dev/kvm',
    );
  }
  const key = memoryKey(tools.qemu.version);
  const trouble = await askOnce(key, memory, () => runProbe(arch, 'kvm', tools));
  return trouble === ''
    ? { name: 'kvm', note: null }
    : emulation(`/dev/kvm is there, but no guest runs under it: ${trouble}`);
}

/** What went wrong, or an empty text. A guest that took too long is asked again next time: the host may have been busy. */
export async function askOnce(key: string, memory: Memory, ask: () => Promise<Verdict>): Promise<string> {
  const remembered = memory.recall(key);
  if (remembered !== null) return remembered;
  const { trouble, late } = await ask();
  if (!late) memory.remember(key, trouble);
  return trouble;
}

/** What the spec's wish comes to on this host; ERR_UNSUPPORTED_HOST when it demands hardware that does not work. */
export async function wantedAcceleration(
  spec: Pick<MachineSpec, 'arch' | 'accelerator'>,
  tools: ProbeTools,
  memory: Memory,
): Promise<Acceleration> {
  if (spec.accelerator === 'emulation') return { name: 'tcg', note: 'emulation was asked for' };
  const best = await chooseAcceleration(spec.arch, tools, memory);
  if (best.name === 'kvm' || spec.accelerator === 'auto') return best;
  throw new VzshellError('ERR_UNSUPPORTED_HOST', `accelerator: 'hardware' was asked for, but ${best.note}`, {
    hint: "use accelerator 'auto' or 'emulation', which is 5 to 20 times slower",
    details: { option: 'accelerator' },
  });
}

/** After a real guest was stopped by KVM itself: the next start does not believe in it. */
export function distrustKvm(qemuVersion: string, memory: Memory): void {
  memory.remember(memoryKey(qemuVersion), 'a real guest was stopped with an internal error');
}

function memoryKey(qemuVersion: string): string {
  return `kvm on ${release()} with QEMU ${qemuVersion} on ${cpus()[0]?.model ?? 'an unknown processor'}`;
}

function emulation(note: string): Acceleration {
  return { name: 'tcg', note };
}

/** How the payload fared. */
export interface Verdict {
  /** What went wrong; empty when it ran to its end. */
  readonly trouble: string;
  /** It was given up, which on a busy host says little. */
  readonly late: boolean;
}

/** Runs the payload under an accelerator. */
export async function runProbe(arch: Arch, accelerator: Accelerator, tools: ProbeTools): Promise<Verdict> {
  const directory = mkdtempSync(join(tmpdir(), 'vzshell-kvm-'));
  try {
    const kernel = join(directory, 'kernel');
    writeFileSync(kernel, probeKernel(arch));
    const child = startChild({
      name: tools.qemu.name,
      setpriv: tools.setpriv.path,
      argv: [tools.qemu.path, ...probeArguments(arch, accelerator, tools.qboot, kernel)],
      cwd: directory,
      log: join(directory, 'log'),
      channel: true,
    });
    const end = await Promise.race([stopped(child.channel), tooLate(), child.exit]);
    child.kill();
    const exit = await child.exit;
    if (end === exit && exit.code === (arch === 'x86_64' ? X86_WORKS : 0)) return { trouble: '', late: false };
    const said = logTail(child.log, 40).split('\n')[0] ?? '';
    const late = end === TOO_LATE;
    if (typeof end === 'string') return { trouble: said === '' ? end : `${end} (${said})`, late };
    return { trouble: said || `QEMU ended with ${exit.signal ?? `status ${exit.code}`}`, late };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function probeArguments(arch: Arch, accelerator: Accelerator, qboot: boolean, kernel: string): string[] {
  const cpu = accelerator === 'kvm' ? 'host' : arch === 'x86_64' ? 'max' : 'neoverse-n1';
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-S', '-m', '64', '-msg', 'timestamp=off'],
    ...['-accel', accelerator, '-cpu', cpu, '-kernel', kernel],
    ...['-chardev', 'socket,id=qmp,fd=3', '-mon', 'chardev=qmp,mode=control'],
    ...(arch === 'x86_64'
      ? ['-machine', 'q35', ...(qboot ? ['-bios', 'qboot.rom'] : []), '-device', 'isa-debug-exit,iobase=0x501,iosize=4']
      : ['-machine', accelerator === 'kvm' ? 'virt,gic-version=max' : 'virt,gic-version=3']),
  ];
}

/**
 * Lets the guest run, and settles when QEMU has stopped it; never when it runs to its end. The guest waits (`-S`) until events
 * are on, and no command follows: one that meets QEMU's shutdown makes it hang.
 */
function stopped(channel: Duplex | null): Promise<string> {
  return new Promise((resolve) => {
    if (channel === null) return;
    const qmp = new Qmp(channel, ({ event }: QmpEvent) => {
      if (event === 'STOP') resolve('KVM stopped the guest with an internal error');
    });
    qmp
      .open()
      .then(() => qmp.execute('cont'))
      // The exit says more.
      .catch(() => undefined);
  });
}

function tooLate(): Promise<string> {
  return new Promise((resolve) => setTimeout(resolve, DEADLINE, TOO_LATE).unref());
}
