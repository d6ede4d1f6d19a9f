/** Cuts a byte stream into lines of JSON. A line over the limit is an error: nobody makes us buffer without end. */
export class JsonLines {
  readonly #limit: number;
  #pending: Buffer[] = [];
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The values of the lines that `chunk` completes. Throws on a line that is too long or no JSON. */
  push(chunk: Buffer): unknown[] {
    const values: unknown[] = [];
    let rest = chunk;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      this.#keep(rest.subarray(0, end));
      values.push(JSON.parse(Buffer.concat(this.#pending, this.#size).toString('utf8')));
      this.#pending = [];
      this.#size = 0;
      rest = rest.subarray(end + 1);
    }
    this.#keep(rest);
    return values;
  }

  #keep(part: Buffer): void {
    this.#size += part.length;
    if (this.#size > this.#limit) throw new RangeError(`a line is over ${this.#limit} bytes long`);
    if (part.length > 0) this.#pending.push(part);
  }
}
