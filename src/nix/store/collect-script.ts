/**
 * Collects the garbage of the guest's store; argument: generations of each dev shell that are kept. Prints the generations forgotten and
 * the paths deleted. Nix's own collection goes through all that lies in the store, the host's paths included, and writes a row for
 * each into the volume's database before it deletes that row again: minutes, with the store of somebody who uses Nix. So the dead
 * among the volume's own are found here, and Nix deletes those by name, with its own check that nobody uses them.
 */
export const COLLECT: string = `set -eu
keep=$1 upper=/nix/.l/vol/store database=/nix/var/nix/db/db.sqlite forgotten=0
own() { find "$upper" -mindepth 1 -maxdepth 1 ! -type c -regextype posix-extended -regex '.*/[0-9a-z]{32}-[^/]*' ! -name '*.lock' ! -name '*.chroot' -printf '/nix/store/%f\\n'; }
before=$(own | wc -l)
for profile in /nix/var/nix/profiles/vzshell/*/*; do
  case $profile in *-+([0-9])-link|*.rc|*.attrs.sh|*.attrs.json|*.tmp) continue ;; esac
  [ -L "$profile" ] || continue
  while IFS= read -r link; do rm -f -- "$link"; forgotten=$((forgotten + 1)); done < <(ls -1 -v -- "$profile"-+([0-9])-link | head -n -"$keep")
  while IFS= read -r rc; do rm -f -- "$rc" "\${rc%.rc}.attrs.sh" "\${rc%.rc}.attrs.json"; done < <(ls -1 -t -- "$profile"-+([0-9a-f]).rc 2>/dev/null | tail -n +"$((keep + 1))")
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
nix-store --gc --print-roots >"$work/links"
sed -n 's#^.* -> \\(/nix/store/[^/]*\\).*$#\\1#p' "$work/links" | sort -u >"$work/roots"
own >"$work/own"
# What a live path refers to lives, and so does the derivation that made it, as with keep-derivations.
sqlite3 -batch -bail -init /dev/null "file:$database?mode=ro" >"$work/dead" <<SQL
.timeout 10000
create temp table roots(path text);
create temp table own(path text);
.import "$work/roots" roots
.import "$work/own" own
create temp table live(id integer primary key);
insert into live with recursive alive(id) as (
  select v.id from ValidPaths v where v.path in (select path from roots)
  union select r.reference from Refs r join alive a on r.referrer = a.id
  union select d.id from alive a join ValidPaths v on v.id = a.id join ValidPaths d on d.path = v.deriver)
select id from alive;
select path from ValidPaths where id not in (select id from live)
union select path from own where path not in (select path from ValidPaths);
SQL
for attempt in 1 2 3 4 5 6 7 8 9; do
  [ -s "$work/dead" ] || break
  xargs -d '\\n' -n 500 nix-store --delete <"$work/dead" >/dev/null 2>"$work/said" && break
  # Used since: it stays, and so does what it refers to.
  alive=$(sed -n "s#.*[Cc]annot delete path '\\(/nix/store/[^']*\\)'.*alive.*#\\1#p" "$work/said" | sort -u)
  [ -n "$alive" ] || { cat "$work/said" >&2; exit 1; }
  nix-store --query --requisites $alive 2>/dev/null | sort -u >"$work/alive" || printf '%s\\n' $alive >"$work/alive"
  grep -vxFf "$work/alive" "$work/dead" >"$work/left" || true
  mv "$work/left" "$work/dead"
done
sync -f "$upper"
fstrim /nix/.l/vol || echo 'fstrim: the volume cannot give space back' >&2
echo "$forgotten $((before - $(own | wc -l)))"
`;
