// Who the guest's user is: by default whoever runs vzshell, so that files on a shared directory have the same owner on both sides.

import { readFileSync } from 'node:fs';
import { type UserInfo, userInfo } from 'node:os';
import type { GuestUser } from '../agent/operations.ts';

/** What a Linux `useradd` takes. Directory services allow much more, a guest's passwd file does not. */
const USER_NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/;

export function isUserName(name: string): boolean {
  return USER_NAME.test(name);
}

/** The user in the guest: the one asked for, or the host's. */
export function guestUser(wanted?: { readonly name: string; readonly uid: number; readonly gid: number }): GuestUser {
  const host = hostUser();
  const { name, uid, gid } = wanted ?? {
    name: isUserName(host.username) ? host.username : 'user',
    uid: host.uid,
    gid: host.gid,
  };
  const home = uid === 0 ? '/root' : homeOf(name, name === host.username ? host.homedir : '');
  return { name: uid === 0 ? 'root' : name, uid, gid, group: groupName(gid) ?? name, home, shell: '/bin/bash' };
}

/** Whoever runs this, who need not have an entry in /etc/passwd: in a container, say. */
function hostUser(): Pick<UserInfo<string>, 'username' | 'uid' | 'gid' | 'homedir'> {
  try {
    return userInfo();
  } catch {
    return {
      username: '',
      uid: process.getuid?.() ?? 0,
      gid: process.getgid?.() ?? 0,
      homedir: process.env.HOME ?? '',
    };
  }
}

/** The host's own path where a Linux guest can have it, so that `~` means the same on both sides. */
function homeOf(name: string, hostHome: string): string {
  return /^\/home\/[^/]+$/.test(hostHome) ? hostHome : `/home/${name}`;
}

/** The group's name on the host, or null where the guest could not have it. */
function groupName(gid: number): string | null {
  if (gid === 0) return 'root';
  try {
    for (const line of readFileSync('/etc/group', 'utf8').split('\n')) {
      const [name = '', , id] = line.split(':');
      if (id === String(gid) && isUserName(name)) return name;
    }
  } catch {
    // Without the file every group is called as its user.
  }
  return null;
}
