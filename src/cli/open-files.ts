// How many files this host lets a program open: the shares of a VM take one for each file and directory that the guest remembers.

import { openFileLimit } from '../driver/open-files.ts';
import { type FileLimits, macFileLimits, shareLimit } from '../driver/vz/share-limit.ts';
import type { Finding } from './checkup.ts';

/** Below this, guests of ordinary size are made to forget files that they will soon want again. */
const FEW = 100_000;

export function openFiles(): Finding[] {
  const mac = macFileLimits();
  if (mac !== null) return [onMac(mac)];
  const hard = openFileLimit('self', 'hard');
  // Root's virtiofsd raises its limit, or needs no descriptors at all.
  return hard === null || process.getuid?.() === 0 ? [] : [onLinux(hard)];
}

export function onMac(limits: FileLimits): Finding {
  const what = 'open files';
  const detail = `kern.maxfiles ${limits.all}, kern.maxfilesperproc ${limits.one}`;
  if ((shareLimit(limits) ?? FEW) >= FEW) return { what, level: 'ok', detail };
  return {
    what,
    level: 'note',
    detail: `${detail}: guests forget files of shares early, and are slower for it in big trees`,
    fix: 'sudo sysctl kern.maxfiles=524288 kern.maxfilesperproc=262144, until the next start of this Mac',
  };
}

export function onLinux(hard: number): Finding {
  const what = 'open files';
  const detail = `at most ${hard === Number.MAX_SAFE_INTEGER ? 'as many as one likes' : hard} in a process`;
  if (hard >= FEW) return { what, level: 'ok', detail };
  return {
    what,
    level: 'note',
    detail: `${detail}: guests forget files of shares early, and are slower for it in big trees`,
    fix: "raise the hard limit: '* hard nofile 1048576' in /etc/security/limits.d/vzshell.conf, then log in again",
  };
}
