// The look-alike is stricter than the framework where that finds mistakes, and as poor as an older macOS where it is told to be.

import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { useLookalike } from '../lookalike/use.ts';

const addon = useLookalike();
const root = new URL('../..', import.meta.url).pathname;

const CONFIG = {
  cpus: 1,
  memory: 512 * 1024 * 1024,
  boot: {
    kind: 'linux',
    kernel: join(root, 'build/guest/arm64/kernel'),
    initrd: join(root, 'build/guest/arm64/initrd'),
    cmdline: 'console=hvc0',
  },
  platform: { machineIdentifier: null, nestedVirtualization: false },
  storage: [],
  network: [{ mac: '02:00:00:00:00:01', attachment: { kind: 'nat' } }],
  shares: [],
  vsock: true,
  serial: [],
  consoles: [],
  entropy: true,
  balloon: false,
  graphics: [],
  keyboard: false,
  pointer: false,
  sound: [],
  usb: [],
};

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly signal: string | null;
}

/** Runs a script in a process of its own: `vz`, `control`, and a `machine` that has not been started. */
async function inProcess(script: string, environment: Record<string, string> = {}): Promise<Ended> {
  const source = `
    const vz = require(${JSON.stringify(addon)});
    const control = require(${JSON.stringify(join(addon, '../lookalike_control.node'))});
    control.attach(${JSON.stringify(addon)});
    const config = ${JSON.stringify(CONFIG)};
    (async () => { ${script} })();
  `;
  // An aborted process leaves its machines' directories.
  const directory = await mkdtemp('/tmp/vzl-test-');
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const env = { ...process.env, TMPDIR: directory, ...environment };
  return promisify(execFile)(process.execPath, ['-e', source], { env, timeout: 60_000 })
    .then(({ stdout, stderr }) => ({ stdout, stderr, signal: null }))
    .catch((error: Ended) => ({ stdout: error.stdout, stderr: error.stderr, signal: error.signal }));
}

describe('the look-alike', () => {
  it('aborts the process for a message off the queue, and names the method', async () => {
    const { stderr, signal } = await inProcess('const machine = new vz.Machine(config, () => {}); control.offQueue();');
    expect(signal).toBe('SIGABRT');
    expect(stderr).toMatch(/-\[VZVirtualMachine state\] called off the machine's queue/);
  });

  it('aborts the process for an exception that nobody catches, as on a Mac', async () => {
    const { stderr, signal } = await inProcess('control.raise(); setTimeout(() => {}, 30000);');
    expect(signal).toBe('SIGABRT');
    expect(stderr).toContain("uncaught exception 'NSGenericException': raised on a queue");
  });

  it('lacks what an older macOS lacks', async () => {
    const report = `
      const { macos, features } = vz.capabilities();
      console.log(JSON.stringify({ macos, missing: features.filter((f) => /^needs macOS/.test(f.why ?? '')).map((f) => f.name).sort() }));
    `;
    const { stdout } = await inProcess(report, { VZ_LOOKALIKE_MACOS: '13.5' });
    const { macos, missing } = JSON.parse(stdout);
    expect(macos).toBe('13.5');
    expect(missing).toEqual(
      expect.arrayContaining([
        'nvme',
        'block-device',
        'nbd',
        'save-restore',
        'usb-hotplug',
        'nested-virtualization',
        'vmnet',
      ]),
    );
  });

  it('makes a machine with the classes of macOS 13.5 alone', async () => {
    const { stdout, signal } = await inProcess(
      'new vz.Machine(config, () => {}); console.log("made"); process.exit(0);',
      {
        VZ_LOOKALIKE_MACOS: '13.5',
      },
    );
    expect({ stdout, signal }).toEqual({ stdout: 'made\n', signal: null });
  });

  it('writes down what every object of a configuration was given', async () => {
    const directory = await mkdtemp('/tmp/vzl-test-');
    onTestFinished(() => rmSync(directory, { recursive: true }));
    await inProcess('new vz.Machine(config, () => {}); process.exit(0);', { VZ_LOOKALIKE_DIR: directory });
    const [file] = readdirSync(directory);
    const description = JSON.parse(readFileSync(join(directory, String(file)), 'utf8'));
    expect(description).toMatchObject({
      class: 'VZVirtualMachineConfiguration',
      CPUCount: 1,
      memorySize: CONFIG.memory,
      bootLoader: { class: 'VZLinuxBootLoader', kernelURL: CONFIG.boot.kernel, commandLine: 'console=hvc0' },
      networkDevices: [
        {
          class: 'VZVirtioNetworkDeviceConfiguration',
          MACAddress: { string: '02:00:00:00:00:01' },
          attachment: { class: 'VZNATNetworkDeviceAttachment' },
        },
      ],
      socketDevices: [{ class: 'VZVirtioSocketDeviceConfiguration' }],
    });
  });

  it('counts nothing alive after a machine was closed that never ran', async () => {
    const { stdout } = await inProcess(`
      const machine = new vz.Machine(config, () => {});
      await machine.close();
      control.settle(5000);
      const { objects, ...counted } = JSON.parse(control.live());
      console.log(JSON.stringify(counted));
      process.exit(0);
    `);
    expect(JSON.parse(stdout)).toEqual({ blocks: 0, queues: 0, machines: 0, connections: 0, listeners: 0, helpers: 0 });
  });
});
