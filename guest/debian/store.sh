#!/usr/bin/env bash
# store.sh ARCH LOCKS DEBS TOOLS ROOT : puts the image's own package set into ROOT/nix: contents cut from .deb files, the derivations
# that name them, the database that calls them valid, and the flake that people use (ROOT/etc/vzshell/pkgs). Runs no foreign code.
set -euo pipefail
arch=$1 locks=$(realpath "$2") debs=$(realpath "$3") tools=$(realpath "$4") root=$(realpath "$5")
here=$(dirname "$(realpath "$0")")
export LC_ALL=C PATH="$tools/bin:$PATH"
. "$here/store-packages.sh"
store="local?root=$root"

# register PATH DERIVER REFERENCE… : one record of Nix's registration format; contents are made canonical first.
register() {
  local path=$1 deriver=$2
  shift 2
  find "$root$path" -type l -prune -o -type f -perm /111 -exec chmod 555 {} + -o -type f -exec chmod 444 {} + -o -type d -exec chmod 555 {} +
  find "$root$path" -exec touch -h -d @1 {} +
  printf '%s\n' "$path" "$(nix-hash --type sha256 --base16 "$root$path")" "$(nix-store --dump "$root$path" | wc -c)" "$deriver" $# "$@"
}

# The references that are really in the contents, out of what the package may refer to: Nix does the same after a build.
references() { # PATH CANDIDATE…
  local path=$1 candidate hash
  shift
  for candidate; do
    hash=${candidate#/nix/store/}
    if grep -rqF --no-messages "${hash%%-*}" "$root$path" || find "$root$path" -type l -lname "*${hash%%-*}*" -print -quit | grep -q .; then
      echo "$candidate"
    fi
  done
}

tidy_database() {
  local state=$root/nix/var/nix
  # Whatever Nix writes of this build's time and place.
  sqlite3 "$state/db/db.sqlite" 'update ValidPaths set registrationTime = 1; pragma wal_checkpoint(truncate); pragma journal_mode = delete; vacuum;' >/dev/null
  rm -rf "$state"/db/{big-lock,reserved,*-wal,*-shm} "$state"/{temproots,userpool,gc.lock,gc-socket,builds} "$root/nix/var/log" "$root/nix/store/.links"
  find "$root/nix/store" -maxdepth 1 -name '*.lock' -delete
  mkdir -p "$root/nix/store/.links" "$state/gcroots" "$state/profiles"
  ln -sfn /nix/var/nix/profiles "$state/gcroots/profiles"
}

"$here/flake.sh" "$locks" "$root/etc/vzshell/pkgs"
source=$(nix store add --store "$store" --name source "$root/etc/vzshell/pkgs")
expression="import $root$source { system = \"$SYSTEM\"; }"
paths=$(nix eval --store "$store" --raw --impure --expr "
  let pkgs = $expression; names = map (name: { inherit name; package = pkgs.\${name}; }) (builtins.attrNames pkgs);
  in builtins.concatStringsSep \"\" (map (p: if p.package ? pname then \"\${p.package.pname} \${p.package.outPath} \${p.package.drvPath}\\n\" else \"\") names)")
declare -A out drv
while read -r name path derivation; do
  out[$name]=$path drv[$name]=$derivation
done <<<"$paths"

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
for package in "${PACKAGES[@]}"; do
  make_package "$package" "$root${out[$package]}"
  check_libraries "$root${out[$package]}"
  register "${out[$package]}" "${drv[$package]}" $(references "${out[$package]}" "${out[@]}") >>"$work/registration"
done
nix-store --store "$store" --load-db <"$work/registration"
if ! nix-store --store "$store" --verify --check-contents >"$work/verify" 2>&1 || grep -qE 'modified|missing|disappeared|error' "$work/verify"; then
  cat "$work/verify" >&2
  exit 1
fi
nix hash path "$root/etc/vzshell/pkgs"
tidy_database
