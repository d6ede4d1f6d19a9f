/**
 * A file pattern as a regular expression over paths relative to the project, with `/` between their parts: `*` and `?` stay
 * within one part, `**` goes over any number of them.
 */
export function globToRegExp(glob: string): RegExp {
  const source = glob
    .replace(/^\.\//, '')
    .split('/')
    .map((part) =>
      part === '**'
        ? '**'
        : part
            .replace(/[.+^${}()|[\]\\]/g, '\\$&')
            .replaceAll('*', '[^/]*')
            .replaceAll('?', '[^/]'),
    )
    .join('/')
    .replaceAll('**/', '(?:.*/)?')
    .replaceAll('**', '.*');
  return new RegExp(`^${source}$`, 'su');
}

/** Whether a pattern names one file alone. */
export function isPlainPath(glob: string): boolean {
  return !/[*?]/.test(glob);
}
