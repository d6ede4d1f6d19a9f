/** Families of terminals that the guest's image has descriptions of; a name counts with its variants (`xterm-kitty`). */
const KNOWN = ['xterm', 'tmux', 'screen', 'linux', 'vt', 'rxvt', 'alacritty', 'kitty', 'ghostty', 'wezterm', 'foot'];
const DEFAULT = 'xterm-256color';

/** TERM for the guest. One that it does not know would make every full-screen program refuse to start. */
export function guestTerm(term: string | undefined): string {
  if (term === undefined || !/^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/.test(term)) return DEFAULT;
  return KNOWN.some((name) => term === name || term.startsWith(`${name}-`) || (name === 'vt' && /^vt\d/.test(term)))
    ? term
    : DEFAULT;
}
