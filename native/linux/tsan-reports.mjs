// Reads ThreadSanitizer's reports of one run, `node native/linux/tsan-reports.mjs DIRECTORY`, and fails for a data race of ours: one where
// the addon or the look-alike itself reads or writes, on either side. Node, V8, the bundler under vitest and GNUstep are not built
// with the sanitizer, so it sees their accesses without their locks; and GNUstep takes its own locks in several orders.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [directory] = process.argv.slice(2);
const reports = readdirSync(directory)
  .flatMap((name) => readFileSync(join(directory, name), 'utf8').split(/^={18}$/m))
  .filter((text) => text.includes('WARNING: ThreadSanitizer'));

/** The frame that made an access: the first that is not the sanitizer's own. */
function culprits(report) {
  const stacks = report
    .split(/\n\s*\n/)
    .filter((stack) => /^\s*(WARNING.*\n\s*)?(Previous )?(atomic )?(read|write)/i.test(stack));
  return stacks.map(
    (stack) => stack.split('\n').find((line) => /^ +#\d/.test(line) && !line.includes('libclang_rt')) ?? '',
  );
}

const ours = reports.filter(
  (report) => report.includes('data race') && culprits(report).some((frame) => /\(vz\.node\+/.test(frame)),
);
for (const report of ours) process.stderr.write(`${report}\n`);
process.stdout.write(`ThreadSanitizer: ${ours.length} data races of ours, ${reports.length} reports in all\n`);
process.exitCode = ours.length > 0 ? 1 : 0;
