/**
 * What plugins keep from one invocation to the next, and over restarts: a small table of texts for each check and each
 * notifier, in a file of its own.
 */
import { createHash } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";

const ENTRIES_MAX = 64;
const KEY_CHARACTERS_MAX = 64;
const VALUE_CHARACTERS_MAX = 4096;
const FILE_BYTES_MAX = 2 * 1024 * 1024;
/** A file is written this often at most; what comes meanwhile is written together. */
const WRITE_MS = 1000;

export interface Store {
  /** @returns null when there is none. */
  get(plugin: string, key: string): string | null;
  /** @param value null removes it. @throws Error when it is too large, or there are too many. */
  set(plugin: string, key: string, value: string | null): void;
  keys(plugin: string): readonly string[];
  /** Writes what is not written yet. */
  close(): void;
}

interface Table {
  readonly entries: Map<string, string>;
  timer: NodeJS.Timeout | undefined;
}

/**
 * @param directory made when there is something to keep, with its parent, readable by its owner alone.
 * @param complain gets why a table could not be read or written; it is kept in memory then.
 */
export function createStore(
  directory: string,
  complain: (plugin: string, reason: string) => void,
): Store {
  const tables = new Map<string, Table>();

  function tableOf(plugin: string): Table {
    const present = tables.get(plugin);
    if (present !== undefined) return present;
    const table = { entries: read(plugin), timer: undefined };
    tables.set(plugin, table);
    return table;
  }

  function read(plugin: string): Map<string, string> {
    let text: string;
    try {
      text = readFileSync(pathOf(directory, plugin), "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") complain(plugin, reasonOf(error));
      return new Map();
    }
    const entries = parseTable(text);
    if (entries === undefined) complain(plugin, "its file is damaged; it begins anew");
    return entries ?? new Map();
  }

  function write(plugin: string, { entries }: Table): void {
    const path = pathOf(directory, plugin);
    try {
      // One after the other: where nothing can be made, as in /proc, Node's own recursion has no end.
      for (const folder of [dirname(directory), directory]) makeFolder(folder);
      const descriptor = openSync(`${path}.new`, "w", 0o600);
      try {
        writeSync(descriptor, JSON.stringify([...entries]));
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
      renameSync(`${path}.new`, path);
    } catch (error) {
      complain(plugin, reasonOf(error));
    }
  }

  return {
    get: (plugin, key) => tableOf(plugin).entries.get(key) ?? null,
    keys: (plugin) => [...tableOf(plugin).entries.keys()],
    set(plugin, key, value) {
      if (key.length === 0 || key.length > KEY_CHARACTERS_MAX)
        throw new Error(`store: a key has 1 to ${KEY_CHARACTERS_MAX} characters`);
      const table = tableOf(plugin);
      if (table.entries.get(key) === (value ?? undefined)) return;
      if (value === null) table.entries.delete(key);
      else {
        if (value.length > VALUE_CHARACTERS_MAX)
          throw new Error(`store: a value has at most ${VALUE_CHARACTERS_MAX} characters`);
        if (!table.entries.has(key) && table.entries.size >= ENTRIES_MAX)
          throw new Error(`store: there are ${ENTRIES_MAX} keys already`);
        table.entries.set(key, value);
      }
      table.timer ??= setTimeout(() => {
        table.timer = undefined;
        write(plugin, table);
      }, WRITE_MS);
    },
    close() {
      for (const [plugin, table] of tables) {
        if (table.timer === undefined) continue;
        clearTimeout(table.timer);
        table.timer = undefined;
        write(plugin, table);
      }
    },
  };
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** A name may have any character, a file's name not. */
function pathOf(directory: string, plugin: string): string {
  const readable = plugin.replaceAll(/[^\w-]/g, "_").slice(0, 64);
  const digest = createHash("sha256").update(plugin).digest("hex").slice(0, 16);
  return join(directory, `${readable}.${digest}.json`);
}

function parseTable(text: string): Map<string, string> | undefined {
  if (text.length > FILE_BYTES_MAX) return undefined;
  try {
    const pairs: unknown = JSON.parse(text);
    const good =
      Array.isArray(pairs) &&
      pairs.length <= ENTRIES_MAX &&
      pairs.every(
        (pair) =>
          Array.isArray(pair) &&
          pair.length === 2 &&
          pair.every((part) => typeof part === "string"),
      );
    return good ? new Map(pairs as [string, string][]) : undefined;
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
