// The script that makes a bash into the dev shell: the semantics of `nix develop` in Nix 2.26, for an environment that was
// evaluated earlier. It serves both forms, because what differs is little: sourced by an interactive bash as --rcfile, or run
// as `bash <rc> [NAME=VALUE | NAME]… -- COMMAND ARGS…`, where the names are set (or unset) after everything else.
//
// Nix writes the paths of outputs and of the temporary directory into its script, which it makes anew for each shell. This one
// is kept, so the current directory is looked up when it runs, and NIX_BUILD_TOP and its kin come from the agent.

import { type BuildEnvironment, plainValue, type Variable } from './environment.ts';
import { outputPaths } from './outputs.ts';
import { shellQuote } from './quote.ts';
import { APPENDED, isTaken } from './skipped-variables.ts';

/** Where the files of structured attributes lie in the guest: `<base>.sh` and `<base>.json`. */
export interface AttrsFiles {
  readonly base: string;
}

/** A text that is replaced by another in every value and function. `to` is what bash expands inside double quotes. */
interface Rewrite {
  readonly from: string;
  readonly to: string;
}

const PREAMBLE = `__vzshell_argv=("$@")
set --
[[ $- == *i* && -e ~/.bashrc ]] && source ~/.bashrc
shopt -u expand_aliases
__vzshell_outputs=$PWD/outputs
unset shellHook
`;

// A builtin's name must not win over a program's: exec finds programs alone, so PATH alone is asked.
const EPILOGUE = `
if [[ $- == *i* ]]; then
  unset -v __vzshell_argv
  shopt -s expand_aliases
else
  while (( \${#__vzshell_argv[@]} )) && [[ \${__vzshell_argv[0]} != -- ]]; do
    if [[ \${__vzshell_argv[0]} == *=* ]]; then export "\${__vzshell_argv[0]}"; else unset -v "\${__vzshell_argv[0]}"; fi
    __vzshell_argv=("\${__vzshell_argv[@]:1}")
  done
  __vzshell_argv=("\${__vzshell_argv[@]:1}")
  if [[ \${__vzshell_argv[0]} != */* ]] && ! type -P -- "\${__vzshell_argv[0]}" >/dev/null; then
    printf 'vzshell: command not found: %s\\n' "\${__vzshell_argv[0]}" >&2
    exit 127
  fi
  exec -- "\${__vzshell_argv[@]}"
fi
`;

/** The script for an environment. */
export function rcScript(environment: BuildEnvironment, attrs: AttrsFiles | null): string {
  const rewrites = rewritesOf(environment, attrs);
  let script = PREAMBLE;
  for (const name of APPENDED) script += `${name}=\${${name}:-}\nnix_saved_${name}="$${name}"\n`;
  for (const [name, variable] of environment.variables) {
    if (isTaken(name, variable.type)) script += assignment(name, variable, rewrites);
  }
  for (const [name, body] of environment.functions) script += functionDefinition(name, body, rewrites);
  for (const name of APPENDED) script += `${name}="$${name}\${nix_saved_${name}:+:$nix_saved_${name}}"\n`;
  script += 'unset -v __vzshell_outputs\n';
  return `${script}eval "\${shellHook:-}"\n${EPILOGUE}`;
}

function assignment(name: string, variable: Variable, rewrites: readonly Rewrite[]): string {
  const word = (text: string): string => rewritten(text, rewrites);
  switch (variable.type) {
    case 'exported':
      return `${name}=${word(variable.value)}\nexport ${name}\n`;
    case 'var':
      return `${name}=${word(variable.value)}\n`;
    case 'array':
      return `declare -a ${name}=(${variable.value.map(word).join(' ')})\n`;
    case 'associative':
      return `declare -A ${name}=(${variable.value.map(([key, value]) => `[${word(key)}]=${word(value)}`).join(' ')})\n`;
  }
}

/** A word of shell: every piece quoted literally, every rewritten path expanded when the script runs. */
function rewritten(text: string, rewrites: readonly Rewrite[]): string {
  const rewrite = rewrites.find(({ from }) => text.includes(from));
  if (rewrite === undefined) return shellQuote(text);
  return text
    .split(rewrite.from)
    .map((piece) => (piece === '' ? '' : rewritten(piece, rewrites)))
    .join(`"${rewrite.to}"`);
}

function functionDefinition(name: string, body: string, rewrites: readonly Rewrite[]): string {
  const definition = `${name} ()\n{\n${body}}\n`;
  // In a function's text the path may stand inside any quotes, so it is expanded before bash parses the text.
  return rewrites.some(({ from }) => body.includes(from)) ? `eval ${rewritten(definition, rewrites)}\n` : definition;
}

function rewritesOf(environment: BuildEnvironment, attrs: AttrsFiles | null): Rewrite[] {
  const rewrites = outputPaths(environment).map(({ from, output }) => ({
    from,
    to: `$__vzshell_outputs/${escapeInQuotes(output)}`,
  }));
  if (attrs !== null) {
    for (const [name, extension] of ATTRS_VARIABLES) {
      const from = plainValue(environment, name);
      if (from !== null && from !== '') rewrites.push({ from, to: escapeInQuotes(`${attrs.base}.${extension}`) });
    }
  }
  return rewrites;
}

/** The variables that name the files of structured attributes, and the files' extensions. */
const ATTRS_VARIABLES = [
  ['NIX_ATTRS_SH_FILE', 'sh'],
  ['NIX_ATTRS_JSON_FILE', 'json'],
] as const;

function escapeInQuotes(text: string): string {
  return text.replace(/[\\"$`]/g, '\\$&');
}

/** The exported variables as the script would leave them, before any shellHook; see `directEnvironment` for what is added. */
export function exportedVariables(environment: BuildEnvironment, attrs: AttrsFiles | null): Record<string, string> {
  const exported: Record<string, string> = {};
  for (const [name, variable] of environment.variables) {
    if (variable.type !== 'exported' || !isTaken(name, variable.type)) continue;
    const file = ATTRS_VARIABLES.find(([attr]) => attr === name);
    exported[name] = attrs !== null && file !== undefined ? `${attrs.base}.${file[1]}` : variable.value;
  }
  return exported;
}
