// A mutation takes one mechanism out of the product, so that the test which is said to watch over it can be seen to fail.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** One place of a file. `find` stands there exactly once: a mutation that no longer fits is an error, not a test that passes. */
export interface Edit {
  /** From the top of the checkout. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Mutation {
  /** The name of the test in the research notes: it stands in the test's title. */
  readonly test: `T${number}`;
  /** The mechanism. */
  readonly takenOut: string;
  /** The file of the test. */
  readonly file: string;
  /** A part of the line that fails: another failure proves nothing. */
  readonly at: string;
  readonly edits: readonly Edit[];
}

/** What of `text` matches the names of the tests of a mutation; a regular expression. */
export function titlePattern({ test }: Pick<Mutation, 'test'>): string {
  return `[( ]${test}[,)]`;
}

/** Why an edit does not fit the checkout `root`; null when it does. */
export function misfit(root: string, { file, find, replace }: Edit): string | null {
  if (find === replace) return `${file}: nothing is changed`;
  const times = readFileSync(join(root, file), 'utf8').split(find).length - 1;
  return times === 1 ? null : `${file} has this ${times} times, not once: ${find}`;
}

/** Makes the edits; the function that is returned undoes them. */
export function mutate(root: string, edits: readonly Edit[]): () => void {
  const before = new Map(edits.map(({ file }) => [file, readFileSync(join(root, file))]));
  for (const edit of edits) {
    const why = misfit(root, edit);
    if (why !== null) throw new Error(why);
    const path = join(root, edit.file);
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replace(edit.find, () => edit.replace),
    );
  }
  return () => {
    for (const [file, content] of before) writeFileSync(join(root, file), content);
  };
}
