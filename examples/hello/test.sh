#!/bin/sh
# The program as a user runs it: test.sh PROGRAM
set -e
program=$1
expect() {
  if [ "$2" = "$3" ]; then echo "ok     $1"; else echo "FAILED $1: got '$2'"; exit 1; fi
}
expect 'says where it runs' "$("$program" you)" "Hello, you! This is Linux on $(uname -m)."
expect 'refuses a long name' "$("$program" "$(printf '%300s' x)" 2>&1 || true)" 'hello: that name is too long'
echo "All tests passed on $(uname -s) $(uname -m)."
