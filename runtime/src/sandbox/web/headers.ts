/** Headers: the Fetch standard's section 5.1, without the guards that only browsers need. */

export type HeadersInit =
  | Headers
  | Iterable<Iterable<string>>
  | Readonly<Record<string, string>>
  | null
  | undefined;

let freeze: (headers: Headers) => void;

export class Headers {
  /** By lowercase name. */
  readonly #values = new Map<string, string[]>();
  #immutable = false;

  static {
    freeze = (headers) => (headers.#immutable = true);
  }

  constructor(init?: HeadersInit) {
    if (init === undefined) return;
    if (init === null || (typeof init !== "object" && typeof init !== "function"))
      throw new TypeError("Headers: expected an object, a list of pairs or Headers");
    if (Symbol.iterator in init && init[Symbol.iterator] !== undefined)
      for (const pair of init as Iterable<Iterable<string>>) {
        const entry = [...pair];
        if (entry.length !== 2)
          throw new TypeError(`Headers: found ${entry.length} words, expected a name and a value`);
        this.append(entry[0] as string, entry[1] as string);
      }
    else
      for (const name of Reflect.ownKeys(init))
        if (Object.getOwnPropertyDescriptor(init, name)?.enumerable === true) {
          if (typeof name === "symbol") throw new TypeError("Headers: found a symbol as a name");
          this.append(name, (init as Readonly<Record<string, string>>)[name] as string);
        }
  }

  append(name: string, value: string): void {
    const [key, text] = this.#change(name, value);
    const present = this.#values.get(key);
    if (present === undefined) this.#values.set(key, [text]);
    else present.push(text);
  }

  set(name: string, value: string): void {
    const [key, text] = this.#change(name, value);
    this.#values.set(key, [text]);
  }

  delete(name: string): void {
    const [key] = this.#change(name, "");
    this.#values.delete(key);
  }

  get(name: string): string | null {
    return this.#values.get(nameOf(name))?.join(", ") ?? null;
  }

  has(name: string): boolean {
    return this.#values.has(nameOf(name));
  }

  getSetCookie(): string[] {
    return [...(this.#values.get("set-cookie") ?? [])];
  }

  forEach(callback: (value: string, name: string, headers: Headers) => void, self?: unknown): void {
    for (const [name, value] of this) callback.call(self, value, name, this);
  }

  /** Sorted by name; those of one name combined, but for cookies. */
  *entries(): IterableIterator<[string, string]> {
    for (const name of [...this.#values.keys()].toSorted()) {
      const values = this.#values.get(name) ?? [];
      if (name === "set-cookie") for (const value of values) yield [name, value];
      else yield [name, values.join(", ")];
    }
  }

  *keys(): IterableIterator<string> {
    for (const [name] of this) yield name;
  }

  *values(): IterableIterator<string> {
    for (const [, value] of this) yield value;
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }

  get [Symbol.toStringTag](): string {
    return "Headers";
  }

  #change(name: string, value: string): readonly [string, string] {
    const changed = [nameOf(name), valueOf(value)] as const;
    if (this.#immutable) throw new TypeError("Headers: these cannot be changed");
    return changed;
  }
}

/** From here on a change throws: these are what came from a server. */
export function makeImmutable(headers: Headers): Headers {
  freeze(headers);
  return headers;
}

function nameOf(name: string): string {
  const text = `${name}`;
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text))
    throw new TypeError(`Headers: found the name ${shown(text)}, expected a token`);
  return text.toLowerCase();
}

function valueOf(value: string): string {
  const text = `${value}`.replace(/^[\t\n\r ]+/, "").replace(/[\t\n\r ]+$/, "");
  if (/[\0\n\r]|[^\0-\xff]/.test(text))
    throw new TypeError(
      `Headers: found the value ${shown(text)}, expected one line of characters up to U+00FF`,
    );
  return text;
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
