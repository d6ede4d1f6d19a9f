// The variables that `nix develop` treats specially, as of Nix 2.26: those of the build that must not reach a shell, and those
// whose old value goes on behind the new one.

/** Never taken from the build environment. */
const SKIPPED: ReadonlySet<string> = new Set([
  'BASHOPTS',
  'HOME',
  'NIX_BUILD_TOP',
  'NIX_ENFORCE_PURITY',
  'NIX_LOG_FD',
  'NIX_REMOTE',
  'PPID',
  'SHELLOPTS',
  'SSL_CERT_FILE',
  'TEMP',
  'TEMPDIR',
  'TERM',
  'TMP',
  'TMPDIR',
  'TZ',
  'UID',
]);

/**
 * Whether a variable of the build environment is taken. A SHELL that was not exported is what bash found in the sandbox's passwd file
 * when nobody had told it: `/noshell`, with which editors and terminal multiplexers cannot start a shell.
 */
export function isTaken(name: string, type: 'exported' | 'var' | 'array' | 'associative'): boolean {
  return !SKIPPED.has(name) && !(name === 'SHELL' && type === 'var');
}

/** Kept behind what the build environment sets: commands, and completions. */
export const APPENDED = ['PATH', 'XDG_DATA_DIRS'] as const;

/** All of them name one fresh private directory, which the guest agent makes before the command and removes after it. */
export const TEMPORARY: readonly string[] = ['NIX_BUILD_TOP', 'TMP', 'TMPDIR', 'TEMP', 'TEMPDIR'];
