#!/usr/bin/env bash
# tools.sh : prints a directory with the locked programs that build the guest image (bin/nix, bin/fsck.erofs and others, see
# guest/debian/tools.sh). Unpacked once per lock, in vzshell's cache.
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/../.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/vzshell
case $(uname -m) in aarch64) arch=arm64 ;; *) arch=amd64 ;; esac
lock=guest/debian/packages-$arch.lock
to=$cache/build-tools-$(cat "$lock" guest/debian/tools.sh | sha256sum | cut -c1-16)

if [ ! -e "$to/done" ]; then
  guest/debian/fetch.sh "$lock" tool "$cache/debs" >&2
  # The programs' wrappers hold the path, so they are made where they stay; another process may be at it too.
  exec 9>"$cache/build-tools.lock"
  flock 9
  if [ ! -e "$to/done" ]; then
    rm -rf "$to" "$cache"/build-tools-*
    guest/debian/tools.sh "$lock" "$cache/debs" "$to" >&2
    touch "$to/done"
  fi
  exec 9>&-
fi
echo "$to"
