import { readdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';

/** The host ports that somebody listens on already, by the sockets `<vsockPath>_<port>`: the guest may dial these. */
export function listenedPorts(vsockPath: string): number[] {
  const prefix = `${basename(vsockPath)}_`;
  return readdirSync(dirname(vsockPath))
    .filter((name) => name.startsWith(prefix) && /^\d{1,10}$/.test(name.slice(prefix.length)))
    .map((name) => Number(name.slice(prefix.length)))
    .filter((port) => port <= 0xffff_ffff);
}
