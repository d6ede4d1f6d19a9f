#!/usr/bin/env bash
# tools.sh LOCK DEBS OUT : the locked programs that build the image (Nix, mkfs.erofs, patchelf, sqlite3, xz, zstd) for this host.
# OUT/bin runs each by its own loader with its own libraries, so nothing is installed and the host's versions do not matter.
set -euo pipefail
lock=$1 debs=$2 out=$(realpath -m "$3")
case $(uname -m) in
  x86_64) loader=ld-linux-x86-64.so.2 multiarch=x86_64-linux-gnu ;;
  aarch64) loader=ld-linux-aarch64.so.1 multiarch=aarch64-linux-gnu ;;
  *) echo "tools.sh: no guest image can be built on '$(uname -m)': neither x86_64 nor aarch64." >&2; exit 1 ;;
esac

mkdir -p "$out/usr" "$out/bin" "$out/home"
for directory in bin sbin lib lib64; do mkdir -p "$out/usr/$directory"; done
awk '$1 ~ /(^|,)tool(,|$)/ { print $7 }' "$lock" | while read -r file; do
  dpkg-deb --fsys-tarfile "$debs/${file##*/}" |
    tar -x -C "$out" --no-same-owner --exclude='./usr/share/*' --exclude='./etc/*' --exclude='./var/*'
done

for program in nix nix-store nix-instantiate nix-hash mkfs.erofs fsck.erofs patchelf sqlite3 xz zstd; do
  path=$out/usr/bin/$program
  cat >"$out/bin/$program" <<S
#!/bin/bash
export HOME=$out/home XDG_CACHE_HOME=$out/home NIX_CONF_DIR=/nonexistent NIX_CONFIG='experimental-features = nix-command flakes
substituters =
flake-registry =
build-users-group =
sandbox = false'
exec "$out/usr/lib/$multiarch/$loader" --argv0 $program --library-path "$out/usr/lib/$multiarch" "$path" "\$@"
S
  chmod +x "$out/bin/$program"
done
