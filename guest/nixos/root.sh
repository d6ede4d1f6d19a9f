# root.sh OUT DATABASE : the root image of a NixOS guest, from what the derivation in image.nix has in its environment: the closure with a
# database that knows it (DATABASE is a copy), /etc as NixOS would set it up, accounts, and the few names outside the store. Runs nothing
# of the guest.
set -euo pipefail
out=$1 database=$2
export LC_ALL=C
root=$PWD/root

store() {
  mkdir -p "$root"/nix/store/.links "$root"/nix/var/nix/{gcroots,profiles} "$root"/nix/.l/{image,lower,host,vol}
  xargs -d '\n' cp -a --reflink=auto -t "$root/nix/store" <"$closure/store-paths"
  # Nix believes its database, not the directory: without these rows it would fetch the whole image again.
  USER=nobody HOME=$PWD NIX_REMOTE="local?root=$root" nix-store --load-db <"$closure/registration"
  sqlite3 "$root/nix/var/nix/db/db.sqlite" \
    'update ValidPaths set registrationTime = 1; pragma wal_checkpoint(truncate); pragma journal_mode = delete; vacuum;' >/dev/null
  rm -rf "$root"/nix/var/nix/db/{big-lock,reserved,*-wal,*-shm} "$root"/nix/var/nix/{temproots,userpool,gc.lock,gc-socket,builds} "$root/nix/var/log"
  cp "$root/nix/var/nix/db/db.sqlite" "$database"
  # What Nix made points at this build's directory.
  ln -sfn /nix/var/nix/profiles "$root/nix/var/nix/gcroots/profiles"
}

# As NixOS' activation does it: a link through /etc/static for every file, a copy where the configuration gives a mode.
settings() {
  local path name mode from=$root$etc
  mkdir -p "$root/etc"
  ln -s "$etc" "$root/etc/static"
  (cd "$from" && find . ! -type d ! -name '*.mode' ! -name '*.uid' ! -name '*.gid' -printf '%P\n' | sort) | while read -r path; do
    name=$root/etc/$path
    mkdir -p "${name%/*}"
    mode=symlink
    if [ -e "$from/$path.mode" ]; then mode=$(cat "$from/$path.mode"); fi
    case $mode in
      symlink) ln -s "/etc/static/$path" "$name" ;;
      direct-symlink) ln -s "$(readlink "$from/$path")" "$name" ;;
      *)
        owned_by_root "$from" "$path"
        cp -L "$from/$path" "$name"
        chmod "$mode" "$name"
        ;;
    esac
  done
  : >"$root/etc/NIXOS"
  : >"$root/etc/machine-id"
}

# The image has one owner. A file of somebody else's would silently become root's.
owned_by_root() { # DIRECTORY PATH
  local kind
  for kind in uid gid; do
    if [ -e "$1/$2.$kind" ] && ! grep -qxE '\+?0|root' "$1/$2.$kind"; then
      echo "environment.etc.\"$2\" has the $kind $(cat "$1/$2.$kind"), but everything in a guest's image belongs to root." \
        "Make the file at boot instead (system.activationScripts)." >&2
      exit 1
    fi
  done
}

accounts() {
  local name
  for name in passwd group shadow; do
    rm -f "$root/etc/$name"
    cp "${!name}" "$root/etc/$name"
  done
  chmod 644 "$root"/etc/{passwd,group}
  chmod 640 "$root/etc/shadow"
}

names() {
  local name target
  while read -r name target; do
    mkdir -p "$root${name%/*}"
    ln -sfn "$target" "$root$name"
  done <"$links"
  mkdir -p "$root"/{proc,sys,dev,run,tmp,home,mnt,root,var/empty,var/tmp,var/log,etc/vzshell}
  chmod 1777 "$root"/tmp "$root/var/tmp"
  chmod 700 "$root/root"
  ln -s "$activate" "$root/etc/vzshell/activate"
  ln -s "$toplevel" "$root/etc/vzshell/system"
  # The agent tells the host which Nix this is; asking the program would cost half a second of every boot.
  echo "$nixVersion" >"$root/etc/vzshell/nix-version"
}

mkdir "$root"
store
settings
accounts
names
mkfs.erofs --quiet -d0 ${compression:+"-z$compression"} -T1 --all-root -U 00000000-0000-4000-8000-76657a73686c "$out" "$root" >/dev/null
