#!/usr/bin/env -S node --
// The two dashes keep our `--env-file` from Node, which looks for its own behind the program's name too.
// CommonJS (see package.json beside this): Node starts a script sooner than a module.
'use strict';
const { warm } = require('../dist/cli/warm.cjs');
// What is still open when the command is over (a pipe that nobody closes, say) must not keep this process.
warm(process.argv.slice(2)).then((code) => (code === null ? import('../dist/cli/main.js') : process.exit(code)));
