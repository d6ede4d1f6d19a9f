/** Why the host's Nix store cannot be shared with a guest, and what would change that. Not an error until somebody insists. */
export class Unusable extends Error {
  readonly hint: string;

  constructor(why: string, hint: string, cause?: unknown) {
    super(why, cause === undefined ? undefined : { cause });
    this.hint = hint;
  }
}
