import assert from 'node:assert/strict';
import { test } from 'node:test';

test('this runs on Linux', () => {
  assert.equal(process.platform, 'linux');
});
