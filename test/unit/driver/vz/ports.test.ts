import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { listenedPorts } from '../../../../src/driver/vz/ports.ts';
import { scratch } from '../scratch.ts';

it('finds the host ports that have a listener’s socket, and nothing else', () => {
  const directory = scratch();
  for (const name of [
    'vsock.sock',
    'vsock.sock_1025',
    'vsock.sock_7',
    'vsock.sock_x',
    'vsock.sock_99999999999',
    'other.sock_5',
  ]) {
    writeFileSync(join(directory, name), '');
  }
  expect(listenedPorts(join(directory, 'vsock.sock')).sort()).toEqual([1025, 7]);
});
