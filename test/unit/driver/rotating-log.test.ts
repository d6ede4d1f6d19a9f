import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { RotatingLog } from '../../../src/driver/rotating-log.ts';
import { scratch } from './scratch.ts';

it('keeps what was written last, within its bound', () => {
  const path = join(scratch(), 'log');
  const log = new RotatingLog(path, 1000);
  let all = '';
  for (let line = 0; line < 500; line++) {
    all += `line ${line}\n`;
    log.write(Buffer.from(`line ${line}\n`));
  }
  log.close();
  expect(statSync(path).size).toBeLessThanOrEqual(1000);
  expect(statSync(`${path}.1`).size).toBeLessThanOrEqual(1000);
  const kept = readFileSync(`${path}.1`, 'utf8') + readFileSync(path, 'utf8');
  expect(kept.length).toBeGreaterThan(1000);
  expect(all.endsWith(kept)).toBe(true);
});

it('splits a chunk that is larger than the file may be', () => {
  const path = join(scratch(), 'log');
  const log = new RotatingLog(path, 4096);
  const chunk = Buffer.from(Array.from({ length: 3000 }, (_, index) => `${index},`).join(''));
  log.write(chunk);
  log.close();
  expect(statSync(`${path}.1`).size).toBe(4096);
  const kept = readFileSync(`${path}.1`, 'utf8') + readFileSync(path, 'utf8');
  expect(chunk.toString().endsWith(kept)).toBe(true);
});

it('begins anew: an earlier run is not taken for this one', () => {
  const path = join(scratch(), 'log');
  writeFileSync(path, 'old');
  writeFileSync(`${path}.1`, 'older');
  const log = new RotatingLog(path, 4096);
  log.write(Buffer.from('new'));
  log.close();
  expect(readFileSync(path, 'utf8')).toBe('new');
  expect(existsSync(`${path}.1`)).toBe(false);
});

it.each([['/proc/none/log'], ['/proc/self/environ']])(
  'drops what cannot be written, and does not throw (%s)',
  (path) => {
    const log = new RotatingLog(path, 4096);
    expect(() => log.write(Buffer.alloc(10_000))).not.toThrow();
    log.close();
  },
);

it('goes on when its file was deleted', () => {
  const path = join(scratch(), 'log');
  const log = new RotatingLog(path, 100);
  rmSync(path);
  log.write(Buffer.alloc(150, 'a'));
  log.close();
  expect(statSync(path).size).toBe(50);
});
