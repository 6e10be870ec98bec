/** What a plugin may look at and have done on its host, in a test. */
import type { PluginContext, ServiceAction } from "../index.ts";
import type { Fakes } from "./fakes.ts";
import type { Grant } from "./grant.ts";
import type { CallRecord } from "./record.ts";
import { entry, given } from "./record.ts";

const KEY_CHARACTERS_MAX = 64;
const VALUE_CHARACTERS_MAX = 4096;
const KEYS_MAX = 64;

export type HostContext = Pick<
  PluginContext,
  "processes" | "services" | "files" | "system" | "store" | "secrets" | "exec"
>;

/** @param stored what the plugin keeps; it changes. */
export function createHost(
  fakes: Fakes,
  grant: Grant,
  { record }: CallRecord,
  stored: Map<string, string>,
): HostContext {
  const services = new Map(Object.entries(fakes.services ?? {}));

  function count(name: string): number {
    grant.count(name);
    const processes = given(
      fakes.processes,
      "processes",
      `processes: { ${JSON.stringify(name)}: 1 }`,
    );
    return Object.hasOwn(processes, name) ? (processes[name] ?? 0) : 0;
  }

  function act(name: string, action: ServiceAction): "running" | "stopped" {
    grant.service(name, action);
    const example = `services: { ${JSON.stringify(name)}: "running" }`;
    const before = given(services.get(name), `services.${action} ${name}`, example);
    if (before instanceof Error) throw before;
    const after = action === "status" ? before : action === "stop" ? "stopped" : "running";
    services.set(name, after);
    return after;
  }
  const change = (action: ServiceAction) => (name: string) =>
    record(`services.${action}`, [name], () => void act(name, action));

  function measure<T>(name: string, fake: T | undefined, example: string): T {
    grant.system();
    return given(fake, name, `system: { ${example} }`);
  }

  function keep<T>(work: () => T): T {
    grant.store();
    return work();
  }

  const argumentsOf = (first: unknown, second: unknown): readonly unknown[] =>
    second === undefined ? [first] : [first, second];

  return {
    processes: {
      count: (name) => record("processes.count", [name], () => count(name)),
      watch: (name) => record("processes.watch", [name], () => count(name)),
    },
    services: {
      start: change("start"),
      stop: change("stop"),
      restart: change("restart"),
      status: (name) => record("services.status", [name], () => act(name, "status")),
    },
    files: {
      read: (path) =>
        record("files.read", [path], () => {
          grant.read(path);
          const files = given(
            fakes.files,
            "files.read",
            `files: { ${JSON.stringify(path)}: "its text" }`,
          );
          const file = Object.hasOwn(files, path) ? files[path] : undefined;
          if (file === undefined)
            throw new Error(`ENOENT: no such file or directory, realpath '${path}'`);
          if (file instanceof Error) throw file;
          if (typeof file !== "string") return file;
          return {
            text: file,
            size: new TextEncoder().encode(file).length,
            modifiedMs: Date.now(),
          };
        }),
    },
    system: {
      load: () =>
        record("system.load", [], () =>
          measure(
            "system.load",
            fakes.system?.load,
            "load: { one: 0, five: 0, fifteen: 0, cpus: 1 }",
          ),
        ),
      memory: () =>
        record("system.memory", [], () =>
          measure(
            "system.memory",
            fakes.system?.memory,
            "memory: { totalBytes: 1e9, availableBytes: 5e8 }",
          ),
        ),
      disk: (path) =>
        record("system.disk", [path], () =>
          measure(
            `system.disk ${path}`,
            fakes.system?.disk?.[path],
            `disk: { ${JSON.stringify(path)}: { totalBytes: 1e9, availableBytes: 5e8, totalFiles: 1e6, availableFiles: 5e5 } }`,
          ),
        ),
      pressure: (resource) =>
        record("system.pressure", [resource], () =>
          measure(
            `system.pressure ${resource}`,
            fakes.system?.pressure?.[resource],
            `pressure: { ${resource}: { some: { avg10: 0, avg60: 0, avg300: 0 }, full: null } }`,
          ),
        ),
    },
    store: {
      get: (key) => record("store.get", [key], () => keep(() => stored.get(key) ?? null)),
      set: (key, value) =>
        record("store.set", [key, value], () => keep(() => put(stored, key, value))),
      delete: (key) => record("store.delete", [key], () => keep(() => void stored.delete(key))),
      keys: () => record("store.keys", [], () => keep(() => [...stored.keys()])),
    },
    secrets: {
      get: (name) =>
        record("secrets.get", [name], () => {
          grant.secret(name);
          return given(
            fakes.secrets?.[name],
            `secrets.get ${name}`,
            `secrets: { ${JSON.stringify(name)}: "its value" }`,
          );
        }),
    },
    exec: (argv, init) =>
      record("exec", argumentsOf(argv, init), async () => {
        grant.exec(argv);
        const words = argv.join(" ");
        const example = `exec: { ${JSON.stringify(words)}: { status: 0, stdout: "" } }`;
        const fake = given(fakes.exec, `exec ${words}`, example);
        const result =
          typeof fake === "function"
            ? await fake(argv)
            : entry(fake, words, `exec ${words}`, example);
        if (result instanceof Error) throw result;
        return { status: 0, signal: null, stdout: "", stderr: "", ...result };
      }),
  };
}

function put(stored: Map<string, string>, key: string, value: string): void {
  if (key.length > KEY_CHARACTERS_MAX || value.length > VALUE_CHARACTERS_MAX)
    throw new Error(
      `store: a key has at most ${KEY_CHARACTERS_MAX} characters, a value ${VALUE_CHARACTERS_MAX}`,
    );
  if (!stored.has(key) && stored.size >= KEYS_MAX)
    throw new Error(`store: there are ${KEYS_MAX} keys already`);
  stored.set(key, value);
}
