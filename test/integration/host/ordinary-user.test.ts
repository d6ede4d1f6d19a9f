// The main job as somebody who is not root.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { processesOf } from '../vm/fixture.ts';
import { OrdinaryProject } from './ordinary-user.ts';

const skip =
  process.getuid?.() === 0 ? null : 'only root can become somebody else; as yourself, all other tests show it';

async function projectOf(uid: number): Promise<OrdinaryProject> {
  const project = await OrdinaryProject.create(uid);
  onTestFinished(() => project.remove());
  return project;
}

describe('an ordinary user', () => {
  it('builds and tests a project: same uid in the guest, own files on the host, sudo in the guest alone', async (test) => {
    test.skip(skip !== null, skip ?? '');
    const project = await projectOf(1000);
    expect(await project.out(['--', 'make', 'test'])).toMatch(/^All tests passed on Linux aarch64\.$/m);

    const built = join(project.root, 'build/Linux-aarch64');
    expect(readdirSync(built)).toContain('hello');
    for (const file of readdirSync(built)) expect(statSync(join(built, file)).uid, file).toBe(1000);
    expect(await project.out(['--', 'sh', '-c', 'id -u; id -g; stat -c %u Makefile'])).toBe('1000\n1000\n1000\n');
    expect(await project.out(['--', 'sh', '-c', 'cd && pwd && echo mine >f && stat -c %u f'])).toMatch(
      /^\/home\/.+\n1000\n$/,
    );
    expect(await project.out(['--', 'sudo', 'id', '-u'])).toBe('0\n');
    // Even root there is only this user here.
    await project.out(['--', 'sudo', 'touch', 'by-root']);
    expect(statSync(join(project.root, 'by-root')).uid).toBe(1000);

    const home = join(project.env.HOME ?? '', '.vzshell');
    expect(statSync(home)).toMatchObject({ uid: 1000, mode: 0o40700 });
    await project.out(['stop']);
    expect(processesOf(project.top)).toEqual([]);
  });

  it('need have neither HOME nor an entry in the passwd file, only a place for state', async (test) => {
    test.skip(skip !== null, skip ?? '');
    const project = await projectOf(54_321);
    const state = join(project.env.HOME ?? '', 's');
    delete project.env.HOME;
    const { code, stderr } = await project.run(['--', 'true']);
    expect({ code, stderr }).toEqual({ code: 125, stderr: expect.stringContaining('set VZSHELL_HOME') });

    project.env.VZSHELL_HOME = state;
    const command = ['sh', '-c', 'id -u; touch made; stat -c %u Makefile; echo ~'];
    expect(await project.out(['--rm', '--plain', '--', ...command])).toBe('54321\n54321\n/home/user\n');
    expect(statSync(join(project.root, 'made')).uid).toBe(54_321);
  });
});
