/** Reading keepalived.conf texts in tests: files and commands that exist only here. */
import { basename, dirname, resolve } from "node:path";
import type { Diagnostic } from "../src/config/diagnostic.ts";
import type { HostFacts } from "../src/config/keepalived/host.ts";
import type { ReadResult } from "../src/config/keepalived/read.ts";
import { readKeepalived } from "../src/config/keepalived/read.ts";

export const MAIN_FILE = "/etc/keepalived/keepalived.conf";

export interface ReadTextOptions {
  readonly lenient?: boolean;
  readonly configurationId?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Further files by their paths. */
  readonly files?: Readonly<Record<string, string>>;
  /** Commands that are there and can be executed, and their texts. */
  readonly commands?: Readonly<Record<string, string>>;
  readonly interfaces?: readonly string[];
}

/** A host on which nothing exists but what is given; `*` is the only wildcard. */
export function hostWith(text: string, options: ReadTextOptions = {}): HostFacts {
  const files: Readonly<Record<string, string>> = { [MAIN_FILE]: text, ...options.files };
  const commands = options.commands ?? {};
  return {
    readFile: (path) => {
      const found = files[path];
      return found === undefined
        ? { ok: false, reason: "there is no such file" }
        : { ok: true, text: found, executable: false };
    },
    glob(pattern, directory) {
      const path = resolve(directory, pattern);
      const names = new RegExp(
        `^${basename(path)
          .replaceAll(/[.+^$(){}|[\]\\]/g, String.raw`\$&`)
          .replaceAll("*", "[^/]*")}$`,
      );
      return Object.keys(files)
        .filter((file) => dirname(file) === dirname(path) && names.test(basename(file)))
        .toSorted();
    },
    findCommand: (file) =>
      Object.hasOwn(commands, file) ? { path: file, executable: true } : undefined,
    readScript: (path) => commands[path],
    unsafePath: (path) => (path.startsWith("/tmp/") ? "everybody can write /tmp" : undefined),
    hasUser: (user) => user !== "missing",
    hasGroup: (group) => group !== "missing",
    interfaces: () => new Set(options.interfaces ?? ["eth0", "eth1"]),
    environment: options.environment ?? {},
    hostName: "host1",
  };
}

export function readText(text: string, options: ReadTextOptions = {}): ReadResult {
  return readKeepalived(MAIN_FILE, hostWith(text, options), {
    lenient: options.lenient ?? false,
    configurationId: options.configurationId,
  });
}

/** Diagnostics as "line:column severity code". */
export function brief(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.map(
    ({ line, column, severity, code }) => `${line}:${column} ${severity} ${code}`,
  );
}
