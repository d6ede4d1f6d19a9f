import { escapeLine } from '../agent/escape.ts';
import { VzshellError } from '../errors.ts';
import { createCommands } from '../vm/commands.ts';
import type { GuestProcess } from '../vm/types.ts';
import type { DevelopHost } from './develop-host.ts';
import { type BuildEnvironment, parseEnvironment } from './environment.ts';

/** Bytes of an environment; stdenv's take about 100 KiB. */
const MAX_OUTPUT = 64 * 1024 * 1024;
/** Bytes of Nix's messages that are kept for the error; the end is what counts. */
const MAX_MESSAGES = 1024 * 1024;

/** Where the image carries its package set, for flakes that need no network. */
const PACKAGE_SET = '/etc/vzshell/pkgs';

export interface EvaluateOptions {
  /** Directory of the flake in the guest. */
  readonly flake: string;
  /** See `flakeReference`. */
  readonly reference: string;
  readonly impure: boolean;
  /** Profile that roots the environment, in the guest. */
  readonly profile: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (line: string) => void;
}

/** The arguments of `nix` that every use of a flake gets. */
export function nixArguments(host: Pick<DevelopHost, 'offline'>, impure: boolean): string[] {
  // Without it Nix says at every call that there is no Internet.
  return [...(host.offline ? ['--offline'] : []), ...(impure ? ['--impure'] : [])];
}

/**
 * Evaluates and builds a dev environment in the guest, as the user. Rejects with ERR_NIX when Nix fails; `details.stderr` is then
 * what Nix said, untouched.
 */
export async function evaluate(host: DevelopHost, options: EvaluateOptions): Promise<BuildEnvironment> {
  const { flake, reference, profile, impure, signal } = options;
  const args = ['print-dev-env', '--json', '--profile', profile, ...nixArguments(host, impure), reference];
  await using nix = await createCommands(host.context).spawn('nix', args, { cwd: flake, ...(signal && { signal }) });
  nix.stdin.end();
  const [stdout, stderr, exit] = await Promise.all([output(nix), messages(nix, options.onProgress), nix.exited]);
  if (exit.exitCode === 0) return parseEnvironment(stdout);
  const why =
    /^(?:.*\n)*?\s*(error: .*)$/m.exec(stderr)?.[1] ??
    (exit.signal === null ? `exit code ${exit.exitCode}` : `killed by ${exit.signal}`);
  const hint = hintFor(stderr);
  throw new VzshellError('ERR_NIX', `nix could not make the dev shell of '${flake}': ${escapeLine(why)}`, {
    details: { stderr, exitCode: exit.exitCode, signal: exit.signal },
    ...(hint !== null && { hint }),
  });
}

/** What Nix cannot know: that the package set of the image is another one since somebody locked it. */
export function hintFor(stderr: string): string | null {
  if (!/mismatch in field 'narHash'/.test(stderr) || !stderr.includes(PACKAGE_SET)) return null;
  return `flake.lock pins the package set of another guest image (path:${PACKAGE_SET}); to take that of this one:
vzshell --plain -- nix flake update`;
}

async function output(nix: GuestProcess): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of nix.stdout as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_OUTPUT) throw new VzshellError('ERR_NIX', `nix print-dev-env printed more than ${MAX_OUTPUT} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function messages(nix: GuestProcess, onProgress: ((line: string) => void) | undefined): Promise<string> {
  let text = '';
  for await (const line of nix.lines('stderr')) {
    text = `${text}${line}\n`.slice(-MAX_MESSAGES);
    if (line.trim() !== '') onProgress?.(escapeLine(line));
  }
  return text;
}
