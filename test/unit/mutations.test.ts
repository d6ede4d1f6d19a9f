// The mutations are run now and then (scripts/prove-tests); that each still fits the sources is checked every time.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { misfit, titlePattern } from '../mutations/mutation.ts';
import { MUTATIONS } from '../mutations/table.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

test('there is one for each of T1 to T20', () => {
  const wanted = Array.from({ length: 20 }, (_, index) => `T${index + 1}`);
  expect([...new Set(MUTATIONS.map((mutation) => mutation.test))]).toEqual(wanted);
});

test.each(MUTATIONS.map((mutation) => [`${mutation.test}: ${mutation.takenOut}`, mutation] as const))(
  '%s',
  (_, { file, test: name, at, edits }) => {
    expect(edits.map((edit) => misfit(ROOT, edit))).toEqual(edits.map(() => null));
    const text = readFileSync(join(ROOT, file), 'utf8');
    expect(text, 'the line that has to fail').toContain(at);
    expect(text.replace(/\/\/.*/g, ''), 'the title').toMatch(new RegExp(titlePattern({ test: name })));
  },
);
