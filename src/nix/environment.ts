// What `nix print-dev-env --json` prints, checked: it comes from the guest. Types of `declare -p` that Nix itself cannot carry
// (integers, references) arrive as "unknown" and are left out, as `nix develop` leaves them out.

import { VzshellError } from '../errors.ts';

export type Variable =
  | { readonly type: 'exported' | 'var'; readonly value: string }
  | { readonly type: 'array'; readonly value: readonly string[] }
  | { readonly type: 'associative'; readonly value: readonly (readonly [string, string])[] };

export interface BuildEnvironment {
  readonly variables: ReadonlyMap<string, Variable>;
  /** Bodies of bash functions, without the braces. */
  readonly functions: ReadonlyMap<string, string>;
  readonly structuredAttrs: { readonly json: string; readonly sh: string } | null;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Bash takes more than names for functions; what would break out of `name ()` is refused. */
const FUNCTION_NAME = /^[^\s'"`$&|;<>(){}\\#\0]+$/;

/** Parses the output; throws ERR_NIX for anything that Nix does not print. */
export function parseEnvironment(text: string): BuildEnvironment {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new VzshellError('ERR_NIX', 'nix print-dev-env did not print JSON', { cause });
  }
  const root = object(json, 'the environment');
  const variables = new Map<string, Variable>();
  for (const [name, info] of Object.entries(object(root.variables, 'variables'))) {
    if (!NAME.test(name)) throw broken(`a variable called ${JSON.stringify(name)}`);
    const variable = parseVariable(name, object(info, name));
    if (variable !== null) variables.set(name, variable);
  }
  const functions = new Map<string, string>();
  for (const [name, body] of Object.entries(object(root.bashFunctions, 'bashFunctions'))) {
    if (!FUNCTION_NAME.test(name)) throw broken(`a function called ${JSON.stringify(name)}`);
    functions.set(name, string(body, name));
  }
  const attrs = root.structuredAttrs;
  if (attrs === undefined) return { variables, functions, structuredAttrs: null };
  const files = object(attrs, 'structuredAttrs');
  return {
    variables,
    functions,
    structuredAttrs: { json: string(files['.attrs.json'], '.attrs.json'), sh: string(files['.attrs.sh'], '.attrs.sh') },
  };
}

function parseVariable(name: string, info: Record<string, unknown>): Variable | null {
  const { type, value } = info;
  switch (type) {
    case 'exported':
    case 'var':
      return { type, value: string(value, name) };
    case 'array':
      if (!Array.isArray(value)) throw broken(`no list in ${name}`);
      return { type, value: value.map((item) => string(item, name)) };
    case 'associative':
      return {
        type,
        value: Object.entries(object(value, name)).map(([key, item]) => [key, string(item, name)] as const),
      };
    case 'unknown':
      return null;
    default:
      throw broken(`a variable of type ${JSON.stringify(type)}`);
  }
}

/** The value of a plain variable, exported or not. */
export function plainValue(environment: BuildEnvironment, name: string): string | null {
  const variable = environment.variables.get(name);
  return variable?.type === 'exported' || variable?.type === 'var' ? variable.value : null;
}

function object(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw broken(`no object for ${what}`);
}

function string(value: unknown, what: string): string {
  if (typeof value !== 'string') throw broken(`no text in ${what}`);
  // Bash cannot hold NUL, so one here did not come from it, and it would cut the value off.
  if (value.includes('\0')) throw broken(`a NUL in ${what}`);
  return value;
}

function broken(what: string): VzshellError {
  return new VzshellError('ERR_NIX', `cannot understand what nix print-dev-env printed: ${what}`);
}
