#!/usr/bin/env bash
# mirror.sh : prints the Debian archive that this machine's own apt uses (VZSHELL_DEBIAN_MIRROR wins). No host is written down here.
set -euo pipefail

if [ -n "${VZSHELL_DEBIAN_MIRROR:-}" ]; then
  mirror=$VZSHELL_DEBIAN_MIRROR
else
  # The first archive with a plain release, so neither security (other paths) nor a third party's.
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(COMPONENT) $(RELEASE)' 'Created-By: Packages' 2>/dev/null |
    awk '$2 == "Debian" && $3 == "main" && $4 !~ /security|backports/ && $1 !~ /security/ { print $1; exit }')
fi
if [ -z "$mirror" ]; then
  # Nothing was updated yet on this machine: its sources say it all the same.
  mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources} 2>/dev/null |
    sed -n 's/^deb \(\[[^]]*\] \)\?\([^ ]*\) .*/\2/p; s/^URIs: *\([^ ]*\).*/\1/p' | grep -v security | grep -m1 '/debian/*$' || true)
fi
if [ -z "$mirror" ]; then
  echo "No Debian archive found in this machine's apt configuration. Name one: VZSHELL_DEBIAN_MIRROR=<url of a Debian mirror> $0" >&2
  exit 1
fi
# "…//pool/…" is answered with 400 by some mirrors.
echo "${mirror%/}"
