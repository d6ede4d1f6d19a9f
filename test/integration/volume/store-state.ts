// What a store and its volume say of themselves.

import type { Vm } from 'vzshell';

export const DATABASE = '/nix/var/nix/db/db.sqlite';

export interface StoreState {
  readonly integrity: string;
  /** All that Nix believes to be there. */
  readonly valid: readonly string[];
  /** What `nix-store --verify --check-contents` complains about. */
  readonly damage: readonly string[];
  /** What the kernel complains about, of the volume's file system. */
  readonly complaints: readonly string[];
  /** The kernel had to replay the volume's journal: it was not unmounted. */
  readonly recovered: boolean;
}

/** Asks the kernel, the store through its daemon, which makes the database of a fresh volume, and then the database itself. */
export async function storeState(vm: Vm): Promise<StoreState> {
  const kernel = await vm.exec('dmesg', [], { user: 'root' });
  const fileSystem = kernel.stdout.split('\n').filter((line) => /EXT4-fs|JBD2/.test(line));
  const complaints = fileSystem.filter((line) => /error|warning|corrupt|fail/i.test(line));
  const recovered = fileSystem.some((line) => line.includes('recovery complete'));
  const verify = await vm.exec('nix-store', ['--verify', '--check-contents'], { user: 'root', reject: false });
  const damage = `${verify.stdout}${verify.stderr}`
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^(reading|checking) /.test(line));
  if (verify.exitCode !== 0 && damage.length === 0) damage.push(`exit code ${verify.exitCode}`);
  const query = 'pragma integrity_check; select path from ValidPaths';
  const database = await vm.exec('sqlite3', [DATABASE, query], { user: 'root' });
  const lines = database.stdout.split('\n').filter((line) => line !== '');
  const valid = lines.filter((line) => line.startsWith('/nix/store/'));
  return { integrity: lines.filter((line) => !valid.includes(line)).join('\n'), valid, damage, complaints, recovered };
}
