# manifest.sh BASE DIRECTORY : prints BASE, a JSON object, with the records of kernel, initrd, root.erofs and store.sqlite in DIRECTORY.
set -euo pipefail
base=$1 directory=$2

record() { # FILE
  jq -n --arg file "$1" --arg sha256 "$(sha256sum <"$directory/$1" | cut -d' ' -f1)" --argjson size "$(stat -L -c %s "$directory/$1")" '$ARGS.named'
}

jq --argjson kernel "$(record kernel)" --argjson initrd "$(record initrd)" --argjson root "$(record root.erofs)" \
  --argjson store "$(record store.sqlite)" '. + { kernel: $kernel, initrd: $initrd, root: ($root + { type: "erofs" }), store: $store }' "$base"
