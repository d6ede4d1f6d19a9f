/** Names of VMs and volumes: they become file names, host names and words in messages. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** What a name may look like, for messages. */
export const NAME_RULE = "1 to 64 of letters, digits, '-', '_', '.', beginning with a letter or digit";

export function isName(value: string): boolean {
  return NAME.test(value);
}
