import { expect, it } from 'vitest';
import { supervisorCommand } from '../../../src/supervisor/command.ts';
import type { VmSpec } from '../../../src/supervisor/spec.ts';

function spec(driver: VmSpec['driver'], throwaway: boolean): VmSpec {
  const volume = { name: 'v', path: '/h/volumes/v.img', throwaway };
  return { driver, machine: { runDir: '/h/run/12345678' }, volume } as VmSpec;
}

it('starts the user’s node through flock, once per lock', () => {
  const [first, ...rest] = supervisorCommand(spec('qemu', false), 250);
  expect(first).toBe('flock');
  expect(rest.join(' ')).toMatch(
    /^--no-fork -w 0\.25 -E 74 \/h\/run\/12345678\/lock flock --no-fork -w 1 -E 75 \/h\/volumes\/v\.lock .*dist\/supervisor\/main\.c?js \/h\/run\/12345678$/,
  );
  expect(supervisorCommand(spec('qemu', true), 0).join(' ')).not.toContain('/h/volumes');
});

it('has the executable take the locks itself for the vz driver', () => {
  const command = supervisorCommand(spec('vz', false), 250);
  expect(command.slice(command.indexOf('__supervise'))).toEqual([
    '__supervise',
    ...['--lock', '250', '74', '/h/run/12345678/lock'],
    ...['--lock', '1000', '75', '/h/volumes/v.lock'],
    '/h/run/12345678',
  ]);
});
