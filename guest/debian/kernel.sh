#!/usr/bin/env bash
# kernel.sh ARCH LOCK DEBS TOOLS OUT : OUT/kernel, uncompressed as direct boot wants it (arm64 `Image`, x86_64 PVH ELF), and OUT/modules.
set -euo pipefail
arch=$1 lock=$2 debs=$3 tools=$4 out=$5

# payload BZIMAGE : the compressed vmlinux inside, found by the fields of the x86 boot header.
payload() {
  local setup_sectors offset length
  setup_sectors=$(od -An -tu1 -j $((0x1f1)) -N1 "$1")
  offset=$(od -An -tu4 -j $((0x248)) -N4 "$1")
  length=$(od -An -tu4 -j $((0x24c)) -N4 "$1")
  # The last four bytes are the uncompressed size, no part of the stream.
  tail -c +$(((setup_sectors + 1) * 512 + offset + 1)) "$1" | head -c $((length - 4))
}

mkdir -p "$out/deb"
file=$(awk '$1 == "kernel" { print $7 }' "$lock")
dpkg-deb --fsys-tarfile "$debs/${file##*/}" | tar -x -C "$out/deb" --no-same-owner --wildcards './boot/vmlinuz-*' './usr/lib/modules/*'
case $arch in
  arm64) cp "$out"/deb/boot/vmlinuz-* "$out/kernel" ;;
  amd64)
    payload "$out"/deb/boot/vmlinuz-* >"$out/payload" 2>/dev/null || [ -s "$out/payload" ]
    "$tools/bin/zstd" -q -d -f "$out/payload" -o "$out/kernel"
    rm "$out/payload"
    ;;
esac
chmod 644 "$out/kernel"
magic=$(od -An -tx1 -j $([ "$arch" = arm64 ] && echo 56 || echo 0) -N4 "$out/kernel" | tr -d ' \n')
if [ "$magic" != 41524d64 ] && [ "$magic" != 7f454c46 ]; then
  echo "kernel.sh: ${file##*/} does not hold an uncompressed kernel for $arch (magic $magic)." >&2
  exit 1
fi
mv "$out"/deb/usr/lib/modules/* "$out/modules"
rm -rf "$out/deb"
