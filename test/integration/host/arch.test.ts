// The main job on the architecture that Macs do not have.

import { afterAll, expect, it } from 'vitest';
import { TestProject } from '../cli/project.ts';

const project = new TestProject('hello');
afterAll(() => project.remove());

it('--arch x86_64 builds and tests the example in an x86_64 guest', async () => {
  project.copyExample('hello');
  const output = await project.out(['--arch', 'x86_64', '--', 'make', 'test']);
  expect(output).toMatch(/^All tests passed on Linux x86_64\.$/m);
  const vms = JSON.parse(await project.out(['list', '--json']));
  expect(vms).toMatchObject([{ arch: 'x86_64', state: 'running' }]);
});
