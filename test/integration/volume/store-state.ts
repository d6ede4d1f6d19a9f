// What a store and its volume say of themselves.

import type { Vm } from 'vzshell';

export const DATABASE = '/nix/var/nix/db/db.sqlite';

export interface StoreState {
  readonly integrity: string;
  /** What `nix-store --verify --check-contents` complains about. */
  readonly damage: readonly string[];
  /** What the kernel complains about, of the volume's file system. */
  readonly complaints: readonly string[];
}

/** Asks the kernel, the store through its daemon, which makes the database of a fresh volume, and then the database itself. */
export async function storeState(vm: Vm): Promise<StoreState> {
  const kernel = await vm.exec('dmesg', [], { user: 'root' });
  const complaints = kernel.stdout
    .split('\n')
    .filter((line) => /EXT4-fs (error|warning)|JBD2: .*(fail|corrupt)/i.test(line));
  const verify = await vm.exec('nix-store', ['--verify', '--check-contents'], { user: 'root', reject: false });
  const damage = `${verify.stdout}${verify.stderr}`
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^(reading|checking) /.test(line));
  if (verify.exitCode !== 0 && damage.length === 0) damage.push(`exit code ${verify.exitCode}`);
  const database = await vm.exec('sqlite3', [DATABASE, 'pragma integrity_check'], { user: 'root' });
  return { integrity: database.stdout.trim(), damage, complaints };
}

/** All that Nix believes to be there. */
export async function validPaths(vm: Vm): Promise<string[]> {
  const { stdout } = await vm.exec('sqlite3', [DATABASE, 'select path from ValidPaths'], { user: 'root' });
  return stdout.split('\n').filter((line) => line !== '');
}
