#!/usr/bin/env bash
# systemd-image.sh IMAGE OUT : the Debian-assembled image IMAGE (a directory) with Debian's systemd in its root, for the profile `systemd`.
# The packages are those of the lock's use `systemd`. Needs root, or set-uid programs would lose their owner.
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/../.."
image=$(realpath "$1") out=$(realpath -m "$2")
debs=${XDG_CACHE_HOME:-$HOME/.cache}/vzshell/debs
case $(jq -r .arch "$image/manifest.json") in arm64) arch=arm64 ;; *) arch=amd64 ;; esac
lock=guest/debian/packages-$arch.lock
tools=$(test/nixos/tools.sh)
export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root" "$out"
guest/debian/fetch.sh "$lock" systemd "$debs"
# Not the host's: erofs-utils 1.5 loses set-uid bits.
"$tools/bin/fsck.erofs" --extract="$root" --preserve "$image/root.erofs" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
awk '$1 ~ /(^|,)systemd(,|$)/ { print $7 }' "$lock" | while read -r file; do
  dpkg-deb --fsys-tarfile "$debs/${file##*/}" | tar -x -p -C "$root" --keep-directory-symlink --no-same-owner \
    --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*'
done
units=$root/etc/systemd/system
mkdir -p "$units/multi-user.target.wants"
cp guest/agent/vzagent.service "$units/"
ln -sf ../vzagent.service "$units/multi-user.target.wants/vzagent.service"
ln -sf /usr/lib/systemd/system/multi-user.target "$units/default.target"
# The root is there, writable, and no disk's.
ln -sf /dev/null "$units/systemd-remount-fs.service"
"$tools/bin/mkfs.erofs" -d0 -zlz4 -T1735689600 --all-root "$out/root.erofs" "$root" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
for file in kernel initrd store.sqlite; do cp --reflink=auto "$image/$file" "$out/$file"; done
jq '{ schema, contract, arch, system, nixVersion, builder, cmdline: ([.cmdline, "vzshell.init=systemd"] | map(select(. != "")) | join(" ")) }' \
  "$image/manifest.json" >"$work/base.json"
bash guest/nixos/manifest.sh "$work/base.json" "$out" >"$work/manifest.json"
cp "$work/manifest.json" "$out/manifest.json"
