// Nobody here can run a workflow for Macs, so what can be known of it beforehand is checked.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, run } from './programs.ts';

const directory = join(ROOT, '.github/workflows');

it('actionlint finds nothing', { timeout: 300_000 }, () => {
  const { status, stdout } = run('scripts/check-workflows', []);
  expect(stdout).toBe('');
  expect(status).toBe(0);
});

describe.each(readdirSync(directory))('%s', (name) => {
  const text = readFileSync(join(directory, name), 'utf8');

  it('every action is pinned by commit, with its tag beside it', () => {
    const uses = text.match(/uses: .*/g) ?? [];
    expect(uses.length).toBeGreaterThan(0);
    for (const line of uses) expect(line).toMatch(/^uses: [\w-]+\/[\w/-]+@[0-9a-f]{40} # v\d+(\.\d+)*$/);
    const pins = new Map<string, string>();
    for (const [, action = '', pin = ''] of text.matchAll(/uses: ([\w/-]+)@(.*)/g)) {
      expect(pins.get(action) ?? pin, `${action} has two versions`).toBe(pin);
      pins.set(action, pin);
    }
  });

  it('every script that it runs is there and can be executed', () => {
    const scripts = new Set(text.match(/scripts\/[\w./-]+(?= |$)/gm));
    expect(scripts.size).toBeGreaterThan(0);
    for (const each of scripts)
      expect(statSync(join(ROOT, each)).mode & 0o100, each).toBe(each.endsWith('.mjs') ? 0 : 0o100);
  });
});

it("what tests a stranger's change has no more rights than to read", () => {
  const text = readFileSync(join(directory, 'test.yml'), 'utf8');
  expect(text).toMatch(/^permissions:\n {2}contents: read$/m);
  expect(text).not.toMatch(/secrets\.|pull_request_target|: write$/m);
});
