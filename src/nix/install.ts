import { VzshellError } from '../errors.ts';
import { createCommands } from '../vm/commands.ts';
import type { DevelopHost } from './develop-host.ts';
import { KEPT_ENTRIES } from './env-cache.ts';

/** Where the guest keeps what belongs to one dev shell of one project. The names are ours, so they need no quoting. */
export interface GuestPlaces {
  /** The profile that roots the environments: one generation for each. */
  readonly profile: string;
  /** `<base>.rc`, and `<base>.attrs.sh` and `<base>.attrs.json` when the derivation has structured attributes. */
  readonly base: string;
  /** Directory of links to the flake's inputs. */
  readonly roots: string;
}

/** The places of a dev shell. `slug` names project and shell, `key` the environment. */
export function guestPlaces(user: string, slug: string, key: string): GuestPlaces {
  const profile = `/nix/var/nix/profiles/vzshell/${user}/${slug}`;
  return { profile, base: `${profile}-${key}`, roots: `/nix/var/nix/gcroots/vzshell/${user}/${slug}` };
}

// Arguments: profile, base, directory of roots, entries kept, extension of the file; then the store paths to root. Standard input is
// the file. It is synced before it gets its name: after a power cut an empty script would run nothing, and say that all went well.
const INSTALL = `set -eu
profile=$1 base=$2 roots=$3 kept=$4 extension=$5
shift 5
temporary=$base.$extension.$$.tmp
trap 'rm -f -- "$temporary"' EXIT
cat >"$temporary"
sync -- "$temporary"
mv -f -- "$temporary" "$base.$extension"
[ "$extension" = rc ] || exit 0
mkdir -p -- "$roots"
for link in "$roots"/*; do
  case " $* " in *" /nix/store/\${link##*/} "*) ;; *) rm -f -- "$link" ;; esac
done
for path; do
  if [ -e "$path" ]; then ln -sfn -- "$path" "$roots/\${path##*/}"; fi
done
ls -1 -v -- "$profile"-+([0-9])-link | head -n -"$kept" | while IFS= read -r link; do rm -f -- "$link"; done
ls -1 -t -- "$profile"-+([0-9a-f]).rc | tail -n +"$((kept + 1))" | while IFS= read -r rc; do
  rm -f -- "$rc" "\${rc%.rc}.attrs.sh" "\${rc%.rc}.attrs.json"
done
readlink -f -- "$profile"
`;

/**
 * Puts the script beside the profile, roots the inputs that are there, and forgets what is old. Resolves with the store path of
 * the environment that the profile names.
 */
export async function install(
  host: DevelopHost,
  places: GuestPlaces,
  rc: string,
  attrs: { readonly json: string; readonly sh: string } | null,
  inputs: readonly string[],
  signal?: AbortSignal,
): Promise<string> {
  const put = async (extension: string, input: string): Promise<string> => {
    const args = [places.profile, places.base, places.roots, String(KEPT_ENTRIES), extension, ...inputs];
    const result = await createCommands(host.context).exec(
      'bash',
      ['-O', 'extglob', '-c', INSTALL, 'vzshell', ...args],
      {
        cwd: '/',
        input,
        ...(signal && { signal }),
      },
    );
    return result.stdout.trimEnd();
  };
  if (attrs !== null) {
    await put('attrs.sh', attrs.sh);
    await put('attrs.json', attrs.json);
  }
  const storePath = await put('rc', rc);
  if (/^\/nix\/store\/[0-9a-z]{32}-[^/\0\n]+$/.test(storePath)) return storePath;
  throw new VzshellError(
    'ERR_NIX',
    `the profile of the dev shell does not name a store path: ${JSON.stringify(storePath.slice(0, 200))}`,
  );
}
