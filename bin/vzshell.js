#!/usr/bin/env -S node --
// The two dashes keep our `--env-file` from Node, which looks for its own behind the program's name too.
// CommonJS (see package.json beside this): Node starts a script sooner than a module.
'use strict';
const { existsSync } = require('node:fs');
const path = require('node:path');

const program = path.join(__dirname, '../dist/cli/warm.cjs');
if (!existsSync(program)) {
  process.stderr.write(
    `vzshell: this checkout is not built: there is no ${program}\n  scripts/setup && scripts/build\n`,
  );
  process.exit(125);
}
const { warm } = require(program);
// What is still open when the command is over (a pipe that nobody closes, say) must not keep this process.
warm(process.argv.slice(2)).then((code) => (code === null ? import('../dist/cli/main.js') : process.exit(code)));
