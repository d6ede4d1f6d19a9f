// What a machine costs on the host: proportional memory and processor time of each of its processes, from /proc.
import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

/** Proportional set size in MiB, and resident size. */
export function memoryOf(pid) {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kib = (field) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1] ?? 0);
  return { pss: kib('Pss') / 1024, rss: kib('Rss') / 1024 };
}

/** Seconds of processor time used so far. */
export function processorSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** When a process was started, as `Date.now()` counts, to the kernel's 10 ms. */
export function startedAt(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  return Date.now() - (uptime - Number(fields[19]) / TICKS_PER_SECOND) * 1000;
}

/** The processes below `pid`, children's children included. */
export function childrenOf(pid) {
  return readdirSync(`/proc/${pid}/task`)
    .flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' '))
    .filter((child) => child !== '')
    .flatMap((child) => [
      { name: readFileSync(`/proc/${child}/comm`, 'utf8').trim(), pid: Number(child) },
      ...childrenOf(child),
    ]);
}
