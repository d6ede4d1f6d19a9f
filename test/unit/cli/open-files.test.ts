import { expect, test } from 'vitest';
import { onLinux, onMac } from '../../../src/cli/open-files.ts';

test('a host that lets programs open few files is told how to let them open more', () => {
  expect(onMac({ all: 49_152, one: 24_576 })).toMatchObject({ level: 'note', fix: expect.stringContaining('sysctl') });
  expect(onLinux(4096)).toMatchObject({
    level: 'note',
    detail: expect.stringContaining('4096'),
    fix: expect.stringContaining('nofile'),
  });
});

test('others hear that it is well', () => {
  expect(onMac({ all: 491_520, one: 245_760 })).toMatchObject({ level: 'ok' });
  expect(onLinux(1_048_576)).toMatchObject({ level: 'ok' });
  expect(onLinux(Number.MAX_SAFE_INTEGER)).toMatchObject({ level: 'ok', detail: expect.stringContaining('likes') });
});
