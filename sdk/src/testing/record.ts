/** What a plugin did in a test, written down. */
import { DeniedError } from "./grant.ts";

/** Something that the plugin asked for. */
export interface Call {
  /** As it is written: "processes.count". */
  readonly name: string;
  readonly args: readonly unknown[];
  /** What it resolved to. */
  readonly result?: unknown;
  /** What it failed with. */
  readonly error?: unknown;
  /** Whether the permissions do not allow it. */
  readonly denied: boolean;
}

/** The test does not say what the plugin needs to know. It fails the test, even where the plugin handles the error. */
export class MissingFakeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "MissingFakeError";
  }
}

export interface CallRecord {
  readonly calls: readonly Call[];
  /** Does the work of a call, and writes down what came of it. */
  record<T>(name: string, args: readonly unknown[], work: () => T | Promise<T>): Promise<T>;
  /** @throws MissingFakeError when the test lacks something. */
  throwMissing(): void;
}

export function createCallRecord(): CallRecord {
  const calls: Call[] = [];
  let missing: MissingFakeError | undefined;
  return {
    calls,
    async record(name, args, work) {
      const index = calls.length;
      calls.push({ name, args, denied: false });
      try {
        const result = await work();
        calls[index] = { name, args, result, denied: false };
        return result;
      } catch (error) {
        if (error instanceof MissingFakeError) missing ??= error;
        calls[index] = { name, args, error, denied: error instanceof DeniedError };
        throw error;
      }
    },
    throwMissing() {
      if (missing !== undefined) throw missing;
    },
  };
}

/**
 * What the test gave under this name.
 *
 * @param example what to give.
 * @throws MissingFakeError when it gave nothing.
 */
export function given<T>(fake: T | undefined, call: string, example: string): T {
  if (fake !== undefined) return fake;
  throw new MissingFakeError(
    `${call}: the test does not say what comes of it; give it { ${example} }`,
  );
}

/** @returns the entry. @throws what the entry is, when that is an Error; MissingFakeError when there is none. */
export function entry<T>(
  entries: Readonly<Record<string, T | Error>> | undefined,
  key: string,
  call: string,
  example: string,
): T {
  const found = entries !== undefined && Object.hasOwn(entries, key) ? entries[key] : undefined;
  const value = given(found, call, example);
  if (value instanceof Error) throw value;
  return value;
}
