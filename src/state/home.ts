import { homedir } from 'node:os';

/** This user's home directory. Who has neither HOME nor an entry in /etc/passwd, in a container say, has `/`, as in Docker. */
export function homeDirectory(): string {
  try {
    return homedir();
  } catch {
    return '/';
  }
}
