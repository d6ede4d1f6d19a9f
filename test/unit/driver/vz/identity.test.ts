import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { IDENTITY_FILE, keepIdentity, readIdentity } from '../../../../src/driver/vz/identity.ts';
import { scratch } from '../scratch.ts';

it('keeps an identity between runs, and leaves no half-written file', () => {
  const directory = scratch();
  expect(readIdentity(directory)).toEqual({ machineIdentifier: null, macs: [] });
  const identity = { machineIdentifier: 'aWQ=', macs: ['02:00:00:00:00:01'] };
  keepIdentity(directory, identity);
  expect(readIdentity(directory)).toEqual(identity);
  expect(readdirSync(directory)).toEqual([IDENTITY_FILE]);
});

it.each(['', '{', 'null', '{"machineIdentifier":1,"macs":[]}', '{"machineIdentifier":"a","macs":7}'])(
  'takes a new identity where the file is damaged: %j',
  (content) => {
    const directory = scratch();
    writeFileSync(join(directory, IDENTITY_FILE), content);
    expect(readIdentity(directory)).toEqual({ machineIdentifier: null, macs: [] });
  },
);
