import { fileURLToPath } from 'node:url';

/** The directory of vzshell's own package.json. */
export function ownRoot(): string {
  // Two levels up both from src/image and from dist/image.
  return fileURLToPath(new URL('../..', import.meta.url));
}
