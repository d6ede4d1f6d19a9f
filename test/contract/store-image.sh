#!/usr/bin/env bash
# store-image.sh IMAGE OUT : a guest of the shape of NixOS, made by guest/nixos/root.sh as the flake makes it: all programs lie in the store
# and lose their set-uid bits there, /etc is links through /etc/static, an activation makes the rest at boot. Its contents are those of
# the Debian-assembled image IMAGE (a directory). Needs no root.
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/../.."
image=$(realpath "$1") out=$(realpath -m "$2") checkout=$PWD
export LC_ALL=C
PATH=$(test/nixos/tools.sh)/bin:$PATH

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
tree=$work/tree lab="local?root=$work/lab"
mkdir -p "$tree" "$out" "$work/closure" "$work/build"
fsck.erofs --extract="$tree" "$image/root.erofs" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }

# add NAME DIRECTORY : into the lab's store, as a build's output would be; prints the path that it has in the guest.
add() { nix store add --store "$lab" --name "$1" "$2"; }

debian=$(add debian "$tree/usr")

# What the agent or the image itself makes is not NixOS' to give.
mkdir "$work/etc" "$work/accounts"
mv "$tree"/etc/{passwd,group,shadow} "$work/accounts"
nix_version=$(cat "$tree/etc/vzshell/nix-version")
rm -rf "$tree"/etc/{gshadow,resolv.conf,mtab,vzshell,machine-id,hostname}
mv "$tree/etc" "$work/etc/etc"
echo 0440 >"$work/etc/etc/sudoers.mode"
settings=$(add etc "$work/etc")

mkdir -p "$work/system/sw"
ln -s "$debian/bin" "$work/system/sw/bin"
cat >"$work/system/activate" <<'S'
#!/bin/sh
# Beside this file, wherever that is.
ln -sfn "${0%/*}" /run/current-system
S
chmod +x "$work/system/activate"
system=$(add nixos-system-contract "$work/system")

cat >"$work/activate" <<S
#!/bin/sh
set -eu
export PATH=$debian/bin
mkdir -p /run/wrappers
if [ "\$VZSHELL_PROFILE" = agent ]; then
  mount -t tmpfs -o nodev,mode=755 wrappers /run/wrappers
  mkdir /run/wrappers/bin
  for name in sudo su mount umount; do
    cp $debian/bin/\$name /run/wrappers/bin/
    chmod 4755 /run/wrappers/bin/\$name
  done
fi
$system/activate
S
chmod +x "$work/activate"
activate=$(add activate "$work/activate")

links=$work/links
cat >"$links" <<L
/usr $debian
/bin $debian/bin
/sbin $debian/sbin
/lib $debian/lib
/etc/resolv.conf /run/resolv.conf
/etc/mtab /proc/self/mounts
L
if [ -e "$tree/usr/lib64" ]; then echo "/lib64 $debian/lib64" >>"$links"; fi

nix-store --store "$lab" --dump-db >"$work/closure/registration"
find "$work/lab/nix/store" -mindepth 1 -maxdepth 1 ! -name .links | sort >"$work/closure/store-paths"

# What the derivation in guest/nixos/image.nix gives it.
(
  cd "$work/build"
  closure=$work/closure links=$links passwd=$work/accounts/passwd group=$work/accounts/group shadow=$work/accounts/shadow \
    etc=$settings/etc activate=$activate toplevel=$system nixVersion=$nix_version compression=lz4 \
    bash "$checkout/guest/nixos/root.sh" "$out/root.erofs" "$out/store.sqlite"
)
for file in kernel initrd; do cp --reflink=auto "$image/$file" "$out/$file"; done
jq '{ schema, contract, arch, system, nixVersion, builder, cmdline }' "$image/manifest.json" >"$work/base.json"
bash guest/nixos/manifest.sh "$work/base.json" "$out" >"$work/manifest.json"
cp "$work/manifest.json" "$out/manifest.json"
