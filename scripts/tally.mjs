// tally.mjs DIR FILE... : sums the results of all test runners and prints `N passed, N failed, N skipped` as the last line.
// go*.json: `go test -json`; vitest*.json: vitest's JSON reporter; *.txt: the word pass or fail. A runner that left no file,
// or executed no test, counts as a failure, and so does a package or file that failed outside of any test.
// Before the sum it shows where the time went: the phases of DIR/phases (`SECONDS NAME` lines) and the slowest files.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const [directory, ...runners] = process.argv.slice(2);
const SLOWEST = 10;
/** Seconds and name of every test file and Go package. */
const files = [];
const total = { passed: 0, failed: 0, skipped: 0 };

function goResults(text) {
  const sum = { passed: 0, failed: 0, skipped: 0, problems: [] };
  const outputs = new Map();
  const failedTests = new Set();
  for (const line of text.split('\n')) {
    if (!line.startsWith('{')) continue;
    const event = JSON.parse(line);
    const key = `${event.Package} ${event.Test ?? ''}`;
    if (event.Action === 'output') outputs.set(key, (outputs.get(key) ?? '') + event.Output);
    if (event.Test === undefined) {
      const excused = failedTests.has(event.Package);
      if (event.Elapsed !== undefined) files.push([event.Elapsed, event.Package]);
      if ((event.Action === 'fail' && !excused) || event.Action === 'build-fail') {
        sum.failed++;
        sum.problems.push(`${event.Package ?? event.ImportPath}\n${outputs.get(key) ?? ''}`);
      }
      continue;
    }
    if (event.Action === 'pass') sum.passed++;
    if (event.Action === 'skip') sum.skipped++;
    if (event.Action === 'fail') {
      sum.failed++;
      failedTests.add(event.Package);
      sum.problems.push(`${key}\n${outputs.get(key) ?? ''}`);
    }
  }
  return sum;
}

function vitestResults(text) {
  const report = JSON.parse(text);
  const sum = {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests + (report.numTodoTests ?? 0),
    problems: [],
  };
  for (const file of report.testResults) {
    files.push([(file.endTime - file.startTime) / 1000, path.relative('.', file.name)]);
    const broken = file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed');
    if (broken) {
      sum.failed++;
      sum.problems.push(`${file.name}: ${file.message}`);
    }
    for (const test of file.assertionResults) {
      if (test.status === 'failed')
        sum.problems.push(`${file.name}: ${test.fullName}\n${test.failureMessages.join('\n')}`);
      if (test.status === 'pending' || test.status === 'skipped') console.log(`skipped: ${test.fullName}`);
    }
  }
  if (!report.success && sum.failed === 0) {
    sum.failed++;
    sum.problems.push('vitest failed outside of any test');
  }
  return sum;
}

function wordResult(text) {
  const passed = text.trim() === 'pass';
  return { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0, problems: passed ? [] : ['failed, see above'] };
}

function resultsOf(name) {
  const file = path.join(directory, name);
  if (!existsSync(file)) return { passed: 0, failed: 1, skipped: 0, problems: ['the runner ended without a report'] };
  const read = name.startsWith('go') ? goResults : name.startsWith('vitest') ? vitestResults : wordResult;
  return read(readFileSync(file, 'utf8'));
}

function printTimes(title, rows) {
  console.log(title);
  for (const [seconds, name] of rows) console.log(`${seconds.toFixed(seconds < 10 ? 1 : 0).padStart(7)} s  ${name}`);
}

function phases() {
  const file = path.join(directory, 'phases');
  if (!existsSync(file)) return [];
  return [...readFileSync(file, 'utf8').matchAll(/^(\d+) (.*)$/gm)].map(([, seconds, name]) => [Number(seconds), name]);
}

for (const name of runners) {
  const sum = resultsOf(name);
  if (sum.passed + sum.failed === 0) {
    sum.failed++;
    sum.problems.push('ran no test');
  }
  for (const problem of sum.problems) console.log(`FAILED ${name}: ${problem}`);
  console.log(`${name}: ${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
  for (const key of Object.keys(total)) total[key] += sum[key];
}
printTimes('Phases, some beside others:', phases());
printTimes(`The ${SLOWEST} slowest test files:`, files.sort(([a], [b]) => b - a).slice(0, SLOWEST));
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
