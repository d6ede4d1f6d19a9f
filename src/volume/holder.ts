import { VzshellError } from '../errors.ts';
import { readJson } from '../state/json-file.ts';
import { VOLUME_SCHEMA, type VolumeFiles, type VolumeHolder } from './files.ts';

/** Who is written down as the holder. Null too when the note cannot be read: it only makes a message better. */
export function readHolder(files: VolumeFiles): VolumeHolder | null {
  try {
    return readJson<VolumeHolder>(files.holder, VOLUME_SCHEMA);
  } catch {
    return null;
  }
}

/** The refusal of a volume whose lock somebody has. `cure`: who only wants to start a VM may as well take another volume. */
export function volumeInUse(files: VolumeFiles, name: string, cure: 'stop' | 'another' = 'another'): VzshellError {
  const holder = readHolder(files);
  if (holder === null) {
    return new VzshellError('ERR_VOLUME', `cannot use volume '${name}': another process holds it`, {
      hint: cure === 'stop' ? 'wait for it' : 'wait for it, or use another volume',
    });
  }
  const { vm, pid, since } = holder;
  const message = `cannot use volume '${name}': it is in use by vm '${vm}' (pid ${pid}, since ${clock(since)})`;
  const stop = `stop it with \`vzshell stop ${vm}\``;
  return new VzshellError('ERR_VOLUME', message, {
    hint: cure === 'stop' ? stop : `${stop}, or give this one a volume of its own: --volume ${name}-2`,
    details: { volume: name, vm, pid, since },
  });
}

/** `10:02` today, else `2026-11-20 10:02`; local time. */
function clock(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`;
  if (date.toDateString() === new Date().toDateString()) return time;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
}
