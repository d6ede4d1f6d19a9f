#!/usr/bin/env -S node --
// The two dashes keep our `--env-file` from Node, which looks for its own behind the program's name too.
import '../dist/cli/main.js';
