// Shows that tests can fail: takes the mechanism of each out of a copy of the checkout, and expects the test to fail where the
// mutation says. Run by scripts/prove-tests, with the checkout as working directory.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildGuest, buildWholeGuest } from './guest-image.ts';
import { type Mutation, mutate, titlePattern } from './mutation.ts';
import { MUTATIONS } from './table.ts';

/** What a run of a test says. */
interface Outcome {
  readonly failed: boolean;
  /** The line of the test that failed. */
  readonly line: string;
  readonly message: string;
}

const root = process.cwd();
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !MUTATIONS.some(({ test }) => test === name));
if (unknown.length > 0) {
  console.error(`scripts/prove-tests: nothing is known of ${unknown.join(', ')}; there are T1 to T20`);
  process.exit(2);
}

const work = mkdtempSync(join(tmpdir(), 'vzshell-prove-'));
let child: ReturnType<typeof spawn> | null = null;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    if (child === null) process.exit(130);
    // At this one vitest lets the test clean up after itself.
    child.once('close', () => process.exit(130)).kill('SIGINT');
  });
}
process.once('exit', () => rmSync(work, { recursive: true, force: true }));

const checkout = join(work, 'checkout');
copyCheckout();
const base = buildWholeGuest(checkout);
let survivors = 0;
for (const mutation of MUTATIONS.filter(({ test }) => wanted.length === 0 || wanted.includes(test))) {
  const began = Date.now();
  const verdict = await prove(mutation).catch((error: unknown) => `NOT PROVEN: ${(error as Error).message}`);
  if (!verdict.startsWith('failed as it should')) survivors += 1;
  const seconds = Math.round((Date.now() - began) / 1000);
  console.log(`${mutation.test.padEnd(3)}  taken out: ${mutation.takenOut.padEnd(72)}  ${verdict} (${seconds} s)`);
}
process.exit(survivors === 0 ? 0 : 1);

/** Its files as they are now, and what it has installed. */
function copyCheckout(): void {
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    encoding: 'utf8',
  });
  for (const file of files.split('\0')) {
    if (file === '' || !existsSync(join(root, file))) continue;
    mkdirSync(dirname(join(checkout, file)), { recursive: true });
    cpSync(join(root, file), join(checkout, file), { verbatimSymlinks: true });
  }
  symlinkSync(join(root, 'node_modules'), join(checkout, 'node_modules'));
}

async function prove(mutation: Mutation): Promise<string> {
  const undo = mutate(checkout, mutation.edits);
  try {
    execFileSync('npm', ['run', '--silent', 'build'], { cwd: checkout, stdio: 'pipe' });
    buildGuest(checkout, base, mutation.edits);
    const { failed, line, message } = await run(mutation);
    if (!failed) return 'NOT PROVEN: the test passes without it';
    if (!line.includes(mutation.at)) return `NOT PROVEN: failed elsewhere, at \`${line}\`: ${message}`;
    return `failed as it should: ${message}`;
  } finally {
    undo();
  }
}

/** Runs the test to its first failure. */
async function run(mutation: Mutation): Promise<Outcome> {
  const report = join(work, 'report.json');
  rmSync(report, { force: true });
  const args = ['run', '--project', 'integration', mutation.file, '-t', titlePattern(mutation), '--bail', '1'];
  child = spawn('node_modules/.bin/vitest', [...args, '--reporter=json', `--outputFile=${report}`], {
    cwd: checkout,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await once(child, 'close');
  child = null;
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report;
  const results = testResults.flatMap(({ assertionResults }) => assertionResults);
  const failure = results.find(({ status }) => status === 'failed');
  if (failure === undefined) {
    if (results.some(({ status }) => status === 'passed')) return { failed: false, line: '', message: '' };
    throw new Error(`no test ran: ${testResults.map(({ message }) => message).join('; ')}`);
  }
  const said = failure.failureMessages[0] ?? '';
  const place = said.split(`${join(checkout, mutation.file)}:`)[1] ?? '';
  const lines = readFileSync(join(checkout, mutation.file), 'utf8').split('\n');
  return {
    failed: true,
    line: lines[Number.parseInt(place, 10) - 1]?.trim() ?? '',
    message: (said.split('\n')[0] ?? '').slice(0, 160),
  };
}

/** Vitest's report, as far as it is used. */
interface Report {
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}
