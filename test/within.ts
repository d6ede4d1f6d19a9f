/** `event`, or a failure that says what did not come, and what was `seen` last. */
export async function within<T>(ms: number, what: string, event: Promise<T>, seen?: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const last = (): string => (seen === undefined ? '' : `. Last seen:\n${seen()}`);
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms for: ${what}${last()}`)), ms);
  });
  try {
    return await Promise.race([event, late]);
  } finally {
    clearTimeout(timer);
  }
}
