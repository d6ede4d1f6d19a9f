#!/usr/bin/env bash
# initrd.sh ARCH MODULES TOOLS INIT VERSION > initrd : a cpio archive with vzagent as /init and the modules that the kernel lacks, numbered in
# load order. Written here byte by byte: same inputs give the same bytes, and /dev/console needs no root.
set -euo pipefail
arch=$1 modules=$2 tools=$3 init=$4 version=$5
export LC_ALL=C

# vsock first: the agent dials the host before it loads the rest.
names=(vsock vmw_vsock_virtio_transport_common vmw_vsock_virtio_transport virtio_blk failover net_failover virtio_net virtio-rng libcrc32c
  erofs overlay)
if [ "$arch" = amd64 ]; then names+=(button pvpanic pvpanic-pci); fi

inode=0
# entry NAME MODE(octal) [FILE [MAJOR MINOR]] : one newc entry; without FILE, a directory or a node.
entry() {
  local name=$1 mode=$2 file=${3:-} size=0 links=1
  inode=$((inode + 1))
  if [ -n "$file" ]; then size=$(stat -c %s "$file"); fi
  if [ "${mode::2}" = 04 ]; then links=2; fi
  printf '070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X' \
    $inode "$((mode))" 0 0 $links 0 "$size" 0 0 "${4:-0}" "${5:-0}" $((${#name} + 1)) 0
  printf '%s\0' "$name"
  pad $((110 + ${#name} + 1))
  if [ -n "$file" ]; then
    cat "$file"
    pad "$size"
  fi
}
# pad SIZE : zeros up to the next multiple of four.
pad() { head -c $(((4 - $1 % 4) % 4)) /dev/zero; }

# unsigned MODULE.ko.xz TO : the module without its signature, uncompressed. Verifying and unpacking would each cost more than the
# rest of its loading, and a signature says nothing here: the manifest names the whole initrd by its sha256, and the kernel takes either.
# The end of a signed module: signature, twelve bytes whose last four are the signature's length, and the 28 bytes of `mark`.
unsigned() {
  local mark='~Module signature appended~' plain=$2 size length
  "$tools/bin/xz" -dc "$1" >"$plain"
  size=$(stat -c %s "$plain")
  if [ "$(tail -c 28 "$plain" | tr -d '\0')" = "$mark" ]; then
    length=$(od -An -tu4 --endian=big -j $((size - 32)) -N4 "$plain")
    head -c $((size - 40 - length)) "$plain" >"$plain.cut"
    mv "$plain.cut" "$plain"
  fi
}

# built_in NAME : the kernel has it without a file.
built_in() { grep -qE "/${1//[-_]/[-_]}\.ko$" "$modules/modules.builtin"; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
config=$scratch/vzagent.json
printf '{"version": "%s"}\n' "$version" >"$config"

for directory in dev etc modules proc sys; do entry $directory 040755; done
entry dev/console 020600 '' 5 1
entry etc/vzagent.json 0100644 "$config"
entry init 0100755 "$init"
number=0
for name in "${names[@]}"; do
  if built_in "$name"; then continue; fi
  file=$(find "$modules/kernel" -name "$name.ko.xz" -o -name "${name//_/-}.ko.xz" | LC_ALL=C sort | head -1)
  if [ -z "$file" ]; then
    echo "initrd.sh: the kernel of $arch has no module '$name', neither built in nor as a file." >&2
    exit 1
  fi
  number=$((number + 1))
  unsigned "$file" "$scratch/module.ko"
  entry "modules/$(printf %02d $number)-$name.ko" 0100644 "$scratch/module.ko"
done
entry TRAILER!!! 0
