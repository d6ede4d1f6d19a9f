// A copy of a disk file that takes no more of this host's disk than the file itself: blocks are shared where the file system can do that
// (APFS, btrfs, XFS), else holes stay holes. Node cannot ask where the holes of a file are, and to read 64 GiB of them takes minutes.

import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { copyFile, open, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { VzshellError } from '../errors.ts';

/** Milliseconds between two pieces of news. */
const NEWS = 500;
/** Bytes of a program's complaint that are kept. */
const MAX_COMPLAINT = 1000;

export interface CopyOptions {
  readonly signal?: AbortSignal;
  /** Bytes on the disk, so far and in all. Not called when blocks are shared, which takes no time. */
  readonly onProgress?: (copied: number, total: number) => void;
}

/** Copies a disk that nobody writes to. The copy is durable; what a failure leaves is the caller's to remove. */
export async function copyDisk(from: string, to: string, options: CopyOptions = {}): Promise<void> {
  options.signal?.throwIfAborted();
  if (!(await shareBlocks(from, to))) await copyData(from, to, options);
  const file = await open(to, 'r+');
  try {
    await file.chmod(0o600);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function shareBlocks(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch {
    // Whatever is wrong with the files shows again when their bytes are copied.
    return false;
  }
}

async function copyData(from: string, to: string, { signal, onProgress }: CopyOptions): Promise<void> {
  const total = (await stat(from)).blocks * 512;
  await requireRoom(to, total);
  const timer = setInterval(() => {
    stat(to).then(
      ({ blocks }) => onProgress?.(Math.min(blocks * 512, total), total),
      () => undefined,
    );
  }, NEWS);
  try {
    await runCp(from, to, signal);
  } finally {
    clearInterval(timer);
  }
}

async function requireRoom(to: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(to));
  if (bavail * bsize < bytes)
    throw noRoom(dirname(to), `${gigabytes(bytes)} are needed, ${gigabytes(bavail * bsize)} free`);
}

function runCp(from: string, to: string, signal: AbortSignal | undefined): Promise<void> {
  // GNU's cp asks the kernel for the holes. Others would fill them, and are refused for not knowing the option.
  const child = spawn('cp', ['--sparse=auto', '--', from, to], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env.PATH ?? '', LC_ALL: 'C' },
    // A session of its own: Ctrl-C in the terminal is for us, who then end it.
    detached: true,
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(0, MAX_COMPLAINT);
  });
  const abort = (): void => void child.kill('SIGKILL');
  signal?.addEventListener('abort', abort);
  return new Promise<void>((resolve, reject) => {
    child.once('error', (error) => reject(noCopy(from, error.message)));
    child.once('close', (code) => {
      if (signal?.aborted === true) reject(signal.reason);
      else if (code === 0) resolve();
      else if (/No space left|quota/i.test(complaint)) reject(noRoom(dirname(to), 'it became full on the way'));
      else reject(noCopy(from, complaint.trim().split('\n')[0] ?? ''));
    });
  }).finally(() => signal?.removeEventListener('abort', abort));
}

function noRoom(directory: string, why: string): VzshellError {
  return new VzshellError('ERR_VOLUME', `there is not enough room in ${directory} for a copy: ${why}`, {
    hint: 'free some (`vzshell gc` shrinks volumes, `vzshell volume list` shows them)',
  });
}

function noCopy(from: string, why: string): VzshellError {
  const onMac = process.platform === 'darwin';
  return new VzshellError('ERR_VOLUME', `cannot copy ${from}: ${why}`, {
    hint: onMac
      ? 'disks are cloned by APFS: have VZSHELL_HOME on such a volume'
      : "where the file system shares no blocks, GNU's cp is needed: install coreutils",
  });
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
