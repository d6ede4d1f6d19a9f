// The end of an environment: whatever is under way, the process lives or ends as it was told, and nothing is left behind.

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ADDON, config, script } from './machine.ts';

/** Whether a process of this machine's helper lives; the helper's children die with it. */
function helperOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const [, parent] = /^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${name}/stat`, 'utf8')) ?? [];
        return Number(parent) === pid;
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Resolves when all these processes are gone: a descriptor of /proc tells nothing, so the look is repeated on a timer. */
async function gone(pids: number[]): Promise<void> {
  const until = Date.now() + 20_000;
  for (;;) {
    const left = pids.filter((pid) => {
      try {
        return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
      } catch {
        return false;
      }
    });
    if (left.length === 0) return;
    if (Date.now() > until) throw new Error(`still there: ${left.join()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const WORKER = `
  const { Worker } = require('worker_threads');
  const work = (body, onMessage) => new Promise((resolve, reject) => {
    const source = "const { parentPort } = require('worker_threads'); const vz = require(" + ${JSON.stringify(JSON.stringify(ADDON))} + ");"
      + "const config = " + JSON.stringify(config()) + "; (async () => {" + body + "})();";
    const worker = new Worker(source, { eval: true });
    worker.on('message', (message) => onMessage(worker, message)).on('error', reject).on('exit', resolve);
  });
`;

describe('a process', () => {
  it('that exits with a running machine ends at once, and its guest with it', async () => {
    const { child, ended } = script(`
      const machine = new vz.Machine(config(), () => {});
      await machine.start();
      console.log('running');
      process.stdin.once('data', () => process.exit(7));
    `);
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    const helpers = helperOf(child.pid as number);
    expect(helpers).not.toEqual([]);
    child.stdin?.write('go\n');
    expect(await ended).toMatchObject({ status: 7, signal: null, stderr: '' });
    await gone(helpers);
  });

  it('that is killed takes its guest along', async () => {
    const { child, ended } = script(
      `const machine = new vz.Machine(config(), () => {}); await machine.start(); console.log('running');`,
    );
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    const helpers = helperOf(child.pid as number);
    child.kill('SIGKILL');
    await ended;
    await gone(helpers);
  });

  it('lives while a machine runs, and ends by itself when that was closed', async () => {
    const { ended } = script(`
      const machine = new vz.Machine(config(), () => {});
      await machine.start();
      setTimeout(() => { console.log('alive'); machine.close(); }, 1000).unref();
    `);
    expect(await ended).toEqual({ stdout: 'alive\n', stderr: '', status: 0, signal: null });
  });

  it('does not live for a machine that was never started', async () => {
    expect(await script('new vz.Machine(config(), () => {}); vz.capabilities();').ended).toMatchObject({
      status: 0,
      stderr: '',
    });
  });

  it('hears of an exception in a listener as of any other', async () => {
    const { status, stdout } = await script(`
      process.on('uncaughtException', ({ message }) => { console.log(message); process.exit(3); });
      const machine = new vz.Machine(config(), () => { throw new Error('mine'); });
      await machine.start();
    `).ended;
    expect({ status, stdout }).toEqual({ status: 3, stdout: 'mine\n' });
  });

  it('collects machines that were neither started nor closed', async () => {
    const { stdout, status } = await script(`
      for (let i = 0; i < 50; i++) new vz.Machine(config(), () => {});
      const alive = () => JSON.parse(control.live()).machines;
      // Collection and the queues' last work end in their own time: looked at with every turn of the loop, up to a limit.
      for (let turn = 0; alive() > 0 && turn < 10_000; turn++) {
        gc();
        await new Promise((resolve) => setImmediate(resolve));
      }
      console.log(alive());
    `).ended;
    expect({ stdout, status }).toEqual({ stdout: '0\n', status: 0 });
  });
});

describe('a worker', () => {
  it('that is terminated with calls pending: twenty times fifty, and the process lives', async () => {
    const { stdout, stderr, status } = await script(`${WORKER}
      for (let i = 0; i < 20; i++) {
        await work(
          "const machine = new vz.Machine(config, () => {}); for (let j = 0; j < 50; j++) { machine.listen(j + 1); machine.connect(1, 60000).catch(() => {}); vz.lock('/tmp/vzn-none/' + j, 0).catch(() => {}); } parentPort.postMessage(1); for (;;) await machine.unlisten(1).catch(() => {});",
          (worker) => worker.terminate());
      }
      const { objects, ...left } = JSON.parse(control.live());
      console.log(JSON.stringify(left));
    `).ended;
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    expect(JSON.parse(stdout)).toEqual({ blocks: 0, queues: 0, machines: 0, connections: 0, listeners: 0, helpers: 0 });
  });

  it('that is terminated with a running machine, a connect that is never answered and a served socket', async () => {
    const { stdout, stderr, status } = await script(
      `${WORKER}
      const { existsSync } = require('fs');
      const path = '/tmp/vzn-' + process.pid + '.sock';
      await work(
        "const machine = new vz.Machine(config, () => {}); await machine.serve('" + path + "', [1025]); await machine.start(); machine.connect(1024, 60000); machine.stop; parentPort.postMessage(1);",
        (worker) => { console.log(existsSync(path)); worker.terminate(); });
      const { objects, ...left } = JSON.parse(control.live());
      console.log(existsSync(path), JSON.stringify(left));
    `,
      { VZ_LOOKALIKE_FAULT: 'connect-silent' },
    ).ended;
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    expect(stdout).toMatch(/^true\nfalse \{"blocks":0,"queues":0,"machines":0,"connections":0,"listeners":0,/);
  });

  it('and the main thread have an addon each: the end of one leaves the other', async () => {
    const { stdout, stderr, status } = await script(`${WORKER}
      const told = [];
      const mine = new vz.Machine(config(), (event) => told.push(event));
      await mine.start();
      await work(
        "const told = []; const machine = new vz.Machine(config, (event) => told.push(event.state)); await machine.start(); parentPort.postMessage(told.join());",
        (worker, message) => { console.log(message); worker.terminate(); });
      await mine.stop();
      console.log(told.map(({ state }) => state).join());
      await mine.close();
    `).ended;
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    expect(stdout).toBe('starting,running\nstarting,running,stopping,stopped\n');
  });
});

it('the configuration is used as it was given: what changes later changes nothing', async () => {
  const { stdout } = await script(`
    const given = config({ cpus: 1 });
    const machine = new vz.Machine(given, () => {});
    given.cpus = 'nonsense';
    await machine.start();
    console.log(machine.state);
    await machine.close();
  `).ended;
  expect(stdout).toBe('running\n');
  expect(config().cpus).toBe(1);
});
