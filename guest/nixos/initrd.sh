# initrd.sh MODULES VERSION AGENT AGENT_VERSION OUT NAME… : a cpio archive with vzagent as /init, and the kernel modules NAME… of the tree
# MODULES (lib/modules/VERSION below it) with all that they depend on, numbered in load order; the agent loads them by their numbers. A
# NAME with a `?` behind it is taken where the kernel has it.
set -euo pipefail
modules=$1 version=$2 agent=$3 agent_version=$4 out=$5
shift 5
export LC_ALL=C
tree=$PWD/initrd
mkdir -p "$tree"/{dev,etc,modules,proc,sys}

# wanted NAME… : the files of the modules, dependencies first, each once. What the kernel has built in has no file.
wanted() {
  local name
  for name; do
    if ! modprobe --dirname "$modules" --set-version "$version" --show-depends "${name%\?}" 2>error && [ "$name" = "${name%\?}" ]; then
      echo "The kernel $version has no module '$name', neither built in nor as a file: $(cat error)" >&2
      return 1
    fi
  done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

wanted "$@" >list
number=0
while read -r file; do
  number=$((number + 1))
  name=${file##*/}
  name=$tree/modules/$(printf %02d $number)-${name%.ko*}.ko
  # Plain: to unpack them one by one in the kernel costs a boot more than to read them.
  case $file in
    *.ko) cp "$file" "$name" ;;
    *.ko.xz) xz -dc "$file" >"$name" ;;
    *.ko.zst) zstd -qdc "$file" >"$name" ;;
    *)
      echo "The module $file is compressed in a way that is not known here." >&2
      exit 1
      ;;
  esac
done <list
chmod 644 "$tree"/modules/*
install -m 755 "$agent" "$tree/init"
printf '{"version": "%s"}\n' "$agent_version" >"$tree/etc/vzagent.json"
find "$tree" -exec touch -h -d @1 {} +
# /dev/console, which process 1 is started with, comes with the kernel's own built-in archive.
(cd "$tree" && find . -mindepth 1 -printf '%P\0' | sort -z | cpio --quiet -o -0 -H newc -R +0:+0 --reproducible) >"$out"
