// Nix builds in the guest that are cut off by a power failure, and what the store says of itself afterwards.

import { randomUUID } from 'node:crypto';
import type { Vm } from 'vzshell';
import { runPaths, statePaths } from '../../../src/state/paths.ts';
import { ControlClient } from '../../../src/supervisor/control-client.ts';

/** More than are ever finished: the power goes first. */
const BUILDS = 12;
const DATABASE = '/nix/var/nix/db/db.sqlite';

/** What a store says of itself. */
export interface StoreState {
  /** Rows of the database: what Nix believes to be there. */
  readonly valid: number;
  /** Those of them that `cutOff` and `buildOne` have built. */
  readonly built: number;
  readonly integrity: string;
  /** What `nix-store --verify --check-contents` complains about. */
  readonly damage: readonly string[];
}

/** Derivations of the guest's own package set, each of many random files; their seed makes every run build anew. */
function expression(count: number): string {
  return `let pkgs = (builtins.getFlake "path:/etc/vzshell/pkgs").legacyPackages.\${builtins.currentSystem};
    in builtins.genList (n: pkgs.mkDerivation {
      name = "cut-\${toString n}";
      seed = "${randomUUID()}";
      buildCommand = ''
        mkdir $out
        for each in $(seq 10); do head -c 65536 /dev/urandom >$out/$each; done
        echo BUILT-\${toString n}-
      '';
    }) ${count}`;
}

/** Builds `count` new paths, one after the other. `options` are more options of `nix build`. */
function buildCommand(count: number, options: readonly string[]): string[] {
  return ['build', '--offline', '--impure', '--no-link', '-L', '-j1', ...options, '--expr', expression(count)];
}

/** Builds one path to its end. */
export async function buildOne(vm: Vm): Promise<void> {
  await vm.exec('nix', buildCommand(1, []));
}

/**
 * Starts many builds, and kills QEMU in the middle of one when `after` others have said that they are done. Just before, SQLite
 * writes its log into the database, as it does by itself every thousand pages: what Nix believes is on the disk then.
 */
export async function cutOff(vm: Vm, after: number, options: readonly string[] = []): Promise<void> {
  const qemu = await qemuOf(vm);
  const build = await vm.spawn('nix', buildCommand(BUILDS, options));
  const exit = build.exited.catch(() => null);
  const seen: string[] = [];
  let done = 0;
  for await (const line of build.lines('stderr')) {
    seen.push(line);
    if (line.includes('BUILT-')) done += 1;
    if (done === after) break;
  }
  if (done < after) throw new Error(`it ended after ${done} builds:\n${seen.join('\n')}`);
  await vm.exec('sqlite3', [DATABASE, 'pragma wal_checkpoint'], { user: 'root' });
  process.kill(qemu, 'SIGKILL');
  await vm.closed;
  if ((await exit) !== null) throw new Error('all builds had ended when the power failed');
}

/** Asks the store through its daemon, which makes the database of a fresh volume, and then the database itself. */
export async function storeState(vm: Vm): Promise<StoreState> {
  const verify = await vm.exec('nix-store', ['--verify', '--check-contents'], { user: 'root', reject: false });
  const damage = `${verify.stdout}${verify.stderr}`
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^(reading|checking) /.test(line));
  if (verify.exitCode !== 0 && damage.length === 0) damage.push(`exit code ${verify.exitCode}`);
  const query = `pragma integrity_check; select count(*) from ValidPaths;
    select count(*) from ValidPaths where path like '%-cut-%' and path not like '%.drv';`;
  const database = await vm.exec('sqlite3', [DATABASE, query], { user: 'root' });
  const [integrity = '', valid = '', built = ''] = database.stdout.trim().split('\n');
  return { valid: Number(valid), built: Number(built), integrity, damage };
}

async function qemuOf(vm: Vm): Promise<number> {
  const { processes } = await new ControlClient(runPaths(statePaths(), vm.id).control).status();
  const qemu = processes.find(({ name }) => name.startsWith('qemu'));
  if (qemu === undefined) throw new Error(`no QEMU among ${JSON.stringify(processes)}`);
  return qemu.pid;
}
