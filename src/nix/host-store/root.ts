import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { VzshellError } from '../../errors.ts';
import { writeText } from '../../state/json-file.ts';
import type { HostNix } from './locate.ts';

/** Milliseconds that the host's Nix may take. */
const PATIENCE = 120_000;

/**
 * Makes the host's Nix keep these paths as long as `directory` exists. One root keeps them all: a derivation that names them and is
 * never built. With the directory the root's link goes, and the next collection finds nothing at its end.
 */
export async function keepFromCollection(
  nix: HostNix,
  paths: readonly string[],
  directory: string,
  vm: string,
): Promise<void> {
  const file = join(directory, 'host-root.nix');
  const link = join(directory, 'host-root');
  if (paths.length === 0) {
    for (const each of [link, file]) rmSync(each, { force: true });
    return;
  }
  const digest = createHash('sha256').update(paths.join('\n')).digest('hex').slice(0, 8);
  const expression = `# What vm ${JSON.stringify(vm)} uses of this host's store.
derivation {
  name = "vzshell-${digest}";
  system = "none";
  builder = "/none";
  paths = map builtins.storePath [
${paths.map((path) => `    ${path}\n`).join('')}  ];
}
`;
  if (isKept(nix, link, file, expression)) return;
  writeText(file, expression);
  const program = join(dirname(nix.program), 'nix-instantiate');
  try {
    await promisify(execFile)(program, [file, '--add-root', link, '--indirect'], {
      timeout: PATIENCE,
    });
  } catch (cause) {
    writeText(file, '');
    const said = String((cause as { stderr?: unknown }).stderr ?? cause).trim();
    throw new VzshellError('ERR_NIX', `the host's Nix does not keep what vm '${vm}' uses: ${said}`, { cause });
  }
}

/** The same root is there, and so is what it leads to. */
function isKept(nix: HostNix, link: string, file: string, expression: string): boolean {
  try {
    return readFileSync(file, 'utf8') === expression && existsSync(join(nix.store, basename(readlinkSync(link))));
  } catch {
    return false;
  }
}
