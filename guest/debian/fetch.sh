#!/usr/bin/env bash
# fetch.sh LOCK USES DIRECTORY : downloads the packages of LOCK whose uses include one of USES (`root,store`) into DIRECTORY.
# A file counts only when its sha256 is the lock's; what is there already is checked, not downloaded again.
set -euo pipefail
lock=$1 uses=$2 directory=$3
here=$(dirname "$(realpath "$0")")
mkdir -p "$directory"

fetch_one() { # MIRROR SHA256 PATH
  local file=$VZSHELL_DEBS/${3##*/} part
  if [ -f "$file" ] && echo "$2  $file" | sha256sum --check --status; then return; fi
  part=$(mktemp "$file.XXXXXX")
  if ! /usr/lib/apt/apt-helper -q=2 -o APT::Sandbox::User= -o Acquire::Retries=2 download-file "$1/$3" "$part" "SHA256:$2" >"$part.log" 2>&1 ||
    ! echo "$2  $part" | sha256sum --check --status; then
    echo "Cannot get ${3##*/} as the lock names it: $(grep -m1 -E '^E:|Err' "$part.log" || echo 'its sha256 differs.')" >&2
    rm -f "$part" "$part.log"
    return 1
  fi
  chmod 644 "$part"
  mv "$part" "$file"
  rm -f "$part.log"
}
export -f fetch_one
export VZSHELL_DEBS=$directory

mirror=$("$here/mirror.sh")
if ! awk -v uses="$uses" -v mirror="$mirror" '
  BEGIN { split(uses, list, ","); for (i in list) want[list[i]] = 1 }
  /^#/ { next }
  { n = split($1, has, ","); for (i = 1; i <= n; i++) if (has[i] in want) { print mirror, $5, $7; next } }' "$lock" |
  xargs -P4 -L1 bash -c 'fetch_one "$@" || exit 255' fetch 2> >(grep -v '^xargs:' >&2); then # 255: the first failure ends it
  echo "The Debian archive does not give all files of $(basename "$lock"). Without a network: bring one, or copy $directory from a" \
    "machine that has built this image. When the archive has newer versions: run scripts/refresh-guest-lock, and commit what it changes." >&2
  exit 1
fi
