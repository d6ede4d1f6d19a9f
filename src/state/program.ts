import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';

/** The path of a program: in the first of the folders that has it. */
export function programIn(folders: readonly string[], name: string): string | null {
  return folders.map((folder) => join(folder, name)).find(isProgram) ?? null;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
