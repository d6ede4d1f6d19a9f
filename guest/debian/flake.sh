#!/usr/bin/env bash
# flake.sh LOCKS OUT : the flake of the image's own package set: pkgs/ and contents.json, which says for both systems what versions the
# set has and gives all that its contents are made from one identity. Both systems stand in it, so that a project's lock fits either image.
set -euo pipefail
locks=$1 out=$2
here=$(dirname "$(realpath "$0")")
export LC_ALL=C
arch='' # names only
. "$here/store-packages.sh"

# versions ARCH : `"glibc": "2.41", …`, upstream versions without epoch and Debian revision.
versions() {
  local package separator=''
  for package in "${PACKAGES[@]}"; do
    awk -v name="$package" -v deb="$(version_from "$package" "$1")" -v separator="$separator" \
      '$2 == deb { v = $3; sub(/^[0-9]+:/, "", v); sub(/[-+].*/, "", v); printf "%s\"%s\": \"%s\"", separator, name, v }' \
      "$locks/packages-$1.lock"
    separator=', '
  done
}

identity() { # ARCH
  { grep -E '^([a-z,]*,)?store[, ]' "$locks/packages-$1.lock"; cat "$here/store.sh" "$here/store-packages.sh"; } | sha256sum | cut -c1-32
}

contents() { # SYSTEM ARCH
  printf '  "%s": { "identity": "%s", "versions": { %s } }' "$1" "$(identity "$2")" "$(versions "$2")"
}

mkdir -p "$out"
cp -R "$here/pkgs/." "$out/"
printf '{\n%s,\n%s\n}\n' "$(contents aarch64-linux arm64)" "$(contents x86_64-linux amd64)" >"$out/contents.json"
find "$out" -type f -exec chmod 644 {} +
