// JSON with places. Node 20's JSON.parse names no line, and no parser tells where a key stands once it has the value; a person
// who edits settings by hand needs both. Grammar: RFC 8259, and a repeated key is an error because one of the two is ignored.

/** A place in a text, both counted from one; `column` in characters. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** The text is not JSON. `reason` says what was found there. */
export class JsonError extends Error {
  readonly place: Place;
  constructor(reason: string, place: Place) {
    super(reason);
    this.place = place;
  }
}

export interface ParsedJson {
  readonly value: unknown;
  /** Where the key or item at `path` stands; the start of the text for what is not there. */
  placeOf(path: readonly (string | number)[]): Place;
}

/** Parses JSON; throws JsonError with the place of the first character that cannot be. */
export function parseJson(text: string): ParsedJson {
  const parser = new Parser(text);
  const value = parser.document();
  return { value, placeOf: (path) => parser.place(parser.starts.get(JSON.stringify(path)) ?? 0) };
}

const LITERALS: readonly (readonly [string, boolean | null])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];

class Parser {
  readonly starts = new Map<string, number>();
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    // A byte order mark is what some editors write; it is no part of the document.
    this.#text = text.startsWith('\uFEFF') ? ` ${text.slice(1)}` : text;
  }

  document(): unknown {
    const value = this.#value([]);
    this.#space();
    if (this.#at < this.#text.length) this.#fail('expected the end of the file');
    return value;
  }

  place(offset: number): Place {
    const before = this.#text.slice(0, offset).split('\n');
    return { line: before.length, column: [...(before.at(-1) ?? '')].length + 1 };
  }

  #value(path: readonly (string | number)[]): unknown {
    this.#space();
    const char = this.#text[this.#at];
    if (char === '{') return this.#object(path);
    if (char === '[') return this.#array(path);
    if (char === '"') return this.#string();
    for (const [word, value] of LITERALS) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    }
    const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/.exec(this.#text.slice(this.#at, this.#at + 64))?.[0];
    if (number === undefined) return this.#fail('expected a value');
    this.#at += number.length;
    return Number(number);
  }

  #object(path: readonly (string | number)[]): Record<string, unknown> {
    const entries = new Map<string, unknown>();
    this.#at++;
    this.#space();
    if (this.#take('}')) return {};
    do {
      this.#space();
      if (this.#text[this.#at] !== '"')
        this.#fail(entries.size > 0 ? 'expected a key in quotes after the comma' : 'expected a key in quotes');
      const start = this.#at;
      const key = this.#string();
      if (entries.has(key)) this.#fail(`the key ${JSON.stringify(key)} stands here twice`, start);
      this.starts.set(JSON.stringify([...path, key]), start);
      this.#space();
      if (!this.#take(':')) this.#fail('expected a colon');
      entries.set(key, this.#value([...path, key]));
      this.#space();
    } while (this.#take(','));
    if (!this.#take('}')) this.#fail('expected a comma or `}`');
    return Object.fromEntries(entries);
  }

  #array(path: readonly (string | number)[]): unknown[] {
    const items: unknown[] = [];
    this.#at++;
    this.#space();
    if (this.#take(']')) return items;
    do {
      this.#space();
      this.starts.set(JSON.stringify([...path, items.length]), this.#at);
      items.push(this.#value([...path, items.length]));
      this.#space();
    } while (this.#take(','));
    if (!this.#take(']')) this.#fail('expected a comma or `]`');
    return items;
  }

  #string(): string {
    const end = /^"(?:[^"\\]|\\.)*"/su.exec(this.#text.slice(this.#at));
    if (end === null) return this.#fail('this string has no end');
    try {
      const value: unknown = JSON.parse(end[0]);
      this.#at += end[0].length;
      return String(value);
    } catch {
      return this.#fail('this string has a line break or an unknown escape in it');
    }
  }

  #space(): void {
    while (/[ \t\r\n]/.test(this.#text[this.#at] ?? '')) this.#at++;
  }

  #take(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #fail(reason: string, offset: number = this.#at): never {
    const found =
      offset < this.#text.length ? `found ${JSON.stringify(this.#text[offset])}` : 'found the end of the file';
    throw new JsonError(reason.startsWith('expected') ? `${reason}, ${found}` : reason, this.place(offset));
  }
}
