#!/usr/bin/env bash
# resolve.sh ARCH WORK : asks apt which packages `packages` means today, and prints the lock of ARCH (arm64 or amd64):
# `uses name version arch sha256 size filename` per line. apt's own resolver in a private root: any user, any host architecture.
set -euo pipefail
arch=$1 work=$2
here=$(dirname "$(realpath "$0")")
suite=trixie
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
case $arch in
  arm64) triple=aarch64-linux-gnu ;;
  amd64) triple=x86-64-linux-gnu ;;
  *) echo "resolve.sh: '$arch' is neither arm64 nor amd64." >&2; exit 2 ;;
esac

mkdir -p "$work"/{etc,lists/partial,cache/archives/partial}
work=$(realpath "$work")
: >"$work/status" # an empty machine, so that the whole closure is resolved

private_apt() {
  local mirror
  mirror=$("$here/mirror.sh")
  printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$mirror" "$suite" "$keyring" "$mirror" "$suite-updates" >"$work/etc/sources.list"
  cat >"$work/apt.conf" <<C
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
APT::Install-Recommends "false";
APT::Sandbox::User "";
Dir::Etc::sourcelist "$work/etc/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State::lists "$work/lists";
Dir::State::status "$work/status";
Dir::Cache "$work/cache";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
Acquire::Languages "none";
C
  export APT_CONFIG=$work/apt.conf
  apt-get -qq update
}

# wanted USE : the package names of one use.
wanted() { sed -n "s/^$1 //p" "$here/packages" | sed "s/@TRIPLE@/$triple/g; s/@ARCH@/$arch/g" | xargs -n1; }

# closure PACKAGE… : `name=version` of the packages and of all that they depend on.
closure() {
  apt-get install -y --print-uris "$@" |
    sed -n "s/^'[^']*' \([^ ]*\)_\([^_]*\)_[^_]*\.deb [0-9].*$/\1=\2/p" | sed 's/%3a/:/g'
}

# records : stdin `name=version` → `name version arch sha256 size filename`.
records() {
  # One call: where apt is told to keep no cache file, every call of apt-cache parses the whole archive again.
  xargs apt-cache show | awk '
    function flush() { if (name) print name, version, arch, sha, size, file; name = "" }
    /^Package:/ { flush(); name = $2 } /^Version:/ { version = $2 } /^Architecture:/ { arch = $2 }
    /^Filename:/ { file = $2 } /^Size:/ { size = $2 } /^SHA256:/ { sha = $2 } END { flush() }'
}

private_apt
{
  for use in root tool; do
    wanted $use | xargs -n1000 | while read -r names; do closure $names; done |
      awk -F= 'NR == FNR { dropped[$1] = 1; next } !($1 in dropped)' "$here/drop" - | sed "s/^/$use /"
  done
  # The candidate versions of exactly these packages.
  for use in store systemd; do
    wanted $use | xargs apt-cache show --no-all-versions | awk -v use=$use '/^Package:/ { n = $2 } /^Version:/ { print use " " n "=" $2 }'
  done
  # The metapackage depends on the kernel of the day; that one has the files.
  closure $(wanted kernel) | grep -E '^linux-image-[0-9]' | sed 's/^/kernel /'
} | LC_ALL=C sort -u >"$work/uses"

cut -d' ' -f2 "$work/uses" | LC_ALL=C sort -u >"$work/set"
records <"$work/set" | LC_ALL=C sort -u >"$work/records"
if [ "$(wc -l <"$work/set")" != "$(wc -l <"$work/records")" ]; then
  echo "resolve.sh: apt resolved $(wc -l <"$work/set") packages for $arch but describes $(wc -l <"$work/records")." >&2
  exit 1
fi
echo "# Debian $suite, $arch. Made by scripts/refresh-guest-lock: uses name version arch sha256 size filename"
awk 'NR == FNR { split($2, p, "="); uses[p[1]] = uses[p[1]] (uses[p[1]] ? "," : "") $1; next } { print uses[$1], $0 }' \
  "$work/uses" "$work/records" | LC_ALL=C sort -k2,2
