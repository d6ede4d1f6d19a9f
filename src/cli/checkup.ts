// What `doctor` looks at. Each finding says what is so, and, when it is not as it should be, what to do.

import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Arch, DriverProbe } from '../driver/driver.ts';
import { selectDriver } from '../driver/select.ts';
import { asVzshellError } from '../errors.ts';
import { locateImage } from '../image/locate.ts';
import { statePaths } from '../state/paths.ts';
import { hostArch } from '../vm/options.ts';
import { openFiles } from './open-files.ts';

export interface Finding {
  readonly what: string;
  /** `note` is worth knowing and stops nothing. */
  readonly level: 'ok' | 'note' | 'problem';
  readonly detail: string;
  /** A command to type, or advice. */
  readonly fix?: string;
}

export interface Checkup {
  /** Whether `vzshell` can run here. */
  readonly ok: boolean;
  readonly arch: Arch;
  readonly findings: readonly Finding[];
}

/** Bytes below which a Nix build is likely to fill the disk. */
const LITTLE_SPACE = 5 * 1024 ** 3;

/** Looks at everything that `vzshell` needs for guests of `arch`. Never rejects for something that is missing. */
export async function checkup(arch: Arch = hostArch()): Promise<Checkup> {
  const findings = [...node(), ...(await driver(arch)), ...(await image(arch)), ...state(), ...openFiles()];
  return { ok: findings.every(({ level }) => level !== 'problem'), arch, findings };
}

function node(): Finding[] {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const old = major < 20 || (major === 20 && minor < 19);
  const detail = `${process.version} on ${process.platform} ${process.arch}`;
  return [{ what: 'node', level: old ? 'problem' : 'ok', detail, ...(old && { fix: 'install Node 20.19 or newer' }) }];
}

function accelerator({ usable, accelerator, acceleratorNote }: DriverProbe): Finding {
  const why = acceleratorNote === null ? '' : `: ${acceleratorNote}`;
  const what = 'accelerator';
  if (!usable) return { what, level: 'note', detail: 'not known while programs are missing' };
  if (!/tcg/i.test(accelerator)) return { what, level: 'ok', detail: `${accelerator}${why}` };
  return { what, level: 'note', detail: `none, so guests are emulated, which is slow (${accelerator})${why}` };
}

async function driver(arch: Arch): Promise<Finding[]> {
  try {
    const probe = await selectDriver('auto').probe(arch);
    return [
      ...probe.programs.map(
        ({ name, path, version }): Finding => ({ what: name, level: 'ok', detail: `${version} (${path})` }),
      ),
      ...probe.missing.map(({ what, why: detail, fix }): Finding => ({ what, level: 'problem', detail, fix })),
      accelerator(probe),
    ];
  } catch (error) {
    const { message, hint } = asVzshellError(error, 'ERR_UNSUPPORTED_HOST');
    return [{ what: 'driver', level: 'problem', detail: message, ...(hint !== undefined && { fix: hint }) }];
  }
}

async function image(arch: Arch): Promise<Finding[]> {
  try {
    const { id, system } = await locateImage({ arch, pull: 'never' });
    return [{ what: 'guest image', level: 'ok', detail: `${id.slice(0, 16)} (${system})` }];
  } catch (error) {
    const { message, hint, details } = asVzshellError(error, 'ERR_IMAGE');
    const level = details?.reason === 'not-fetched' ? 'note' : 'problem';
    return [{ what: 'guest image', level, detail: message, ...(hint !== undefined && { fix: hint }) }];
  }
}

function state(): Finding[] {
  const what = 'state directory';
  try {
    const { home } = statePaths();
    let existing = home;
    while (!existsSync(existing)) existing = dirname(existing);
    accessSync(existing, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = statfsSync(existing);
    const free = `${(((bavail * bsize) / 1024 ** 3) | 0).toString()} GiB free`;
    if (bavail * bsize >= LITTLE_SPACE) return [{ what, level: 'ok', detail: `${home} (${free})` }];
    return [
      { what, level: 'note', detail: `${home} has little space: ${free}`, fix: 'free some, or set VZSHELL_HOME' },
    ];
  } catch (error) {
    const { message } = asVzshellError(error, 'ERR_INVALID_STATE');
    return [{ what, level: 'problem', detail: message, fix: 'set VZSHELL_HOME to a directory that you can write to' }];
  }
}
