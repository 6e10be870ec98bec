/** A real sandbox host under test: the built process, with plugins written to a folder of its own. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { JsonLines } from "../../dist/json-lines.js";
import { jsonLines } from "../../dist/json-lines.js";
import { bundle } from "../../dist/plugins/bundle.js";
import { NOTHING, parseManifest, parseOptions } from "../../dist/plugins/manifest.js";
import type {
  CheckReport,
  CheckSpec,
  DaemonToSandbox,
  JsonValue,
  PluginBundle,
  SandboxToDaemon,
} from "../../dist/sandbox/protocol.js";
import { spawnSandboxHost } from "../../dist/sandbox/spawn.js";

const WAIT_MS_MAX = 15_000;
const MEMORY_BYTES = 128 * 1024 * 1024;
const NOBODY = { uid: 65534, gid: 65534 };

export type State = Extract<SandboxToDaemon, { type: "state" }>;
type Evaluated = Extract<SandboxToDaemon, { type: "evaluated" }>["result"];

export interface TestHost {
  readonly pid: number;
  readonly messages: readonly SandboxToDaemon[];
  /** Bundles a plugin's source, reads its manifest as the daemon does, and starts the check. */
  load(name: string, source: string, spec?: Partial<Omit<CheckSpec, "bundle">>): Promise<void>;
  /** The judgement of a check, the last one sent; waits for the first. */
  state(check: string): Promise<State>;
  /** Runs a check with this body once, under a name of its own; returns "up", or the reason. */
  judge(body: string, permissions?: string): Promise<string>;
  report(check: string): Promise<CheckReport>;
  evaluate(source: string, environment?: Readonly<Record<string, string>>): Promise<Evaluated>;
  waitFor<T>(what: string, find: () => T | undefined): Promise<T>;
  send(message: DaemonToSandbox): void;
  stop(): void;
}

export async function startHost({ memoryBytes = MEMORY_BYTES } = {}): Promise<TestHost> {
  const folder = mkdtempSync(join(tmpdir(), "karuntime-sandbox-"));
  const { child, channel } = spawnSandboxHost({
    user: process.getuid?.() === 0 ? NOBODY : undefined,
    memoryBytes,
    readable: ["/"],
  });
  const messages: SandboxToDaemon[] = [];
  let ended: string | undefined;
  let nextId = 1;
  const lines: JsonLines<DaemonToSandbox> = jsonLines(
    channel,
    (message) => messages.push(message as SandboxToDaemon),
    (reason) => (ended = reason ?? "it ended"),
  );

  async function waitFor<T>(what: string, find: () => T | undefined): Promise<T> {
    const deadline = performance.now() + WAIT_MS_MAX;
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      if (ended !== undefined)
        throw new Error(`the sandbox host is gone (${ended}) before ${what}`);
      if (performance.now() > deadline)
        throw new Error(
          `${what} did not come within ${WAIT_MS_MAX} ms; got ${JSON.stringify(messages.slice(-5))}`,
        );
      await sleep(5);
    }
  }

  async function bundleSource(name: string, source: string): Promise<PluginBundle> {
    const file = join(folder, `${name}.ts`);
    writeFileSync(file, source);
    const result = await bundle(file);
    if (!result.ok) throw new Error(JSON.stringify(result.diagnostics));
    return result.bundle;
  }

  async function evaluateBundle(
    code: PluginBundle,
    environment: Readonly<Record<string, string>>,
  ): Promise<Evaluated> {
    const id = nextId++;
    lines.send({ type: "evaluate", id, bundle: code, environment });
    return waitFor("an evaluation", () =>
      messages.find(
        (message): message is Extract<SandboxToDaemon, { type: "evaluated" }> =>
          message.type === "evaluated" && message.id === id,
      ),
    ).then((message) => message.result);
  }

  await waitFor("ready", () => messages.find((message) => message.type === "ready"));
  const { pid } = child;
  if (pid === undefined) throw new Error("the sandbox host has no process id");

  const host: TestHost = {
    pid,
    messages,
    waitFor,
    send: (message) => void lines.send(message),
    evaluate: async (source, environment = {}) =>
      evaluateBundle(await bundleSource(`module${nextId++}`, source), environment),
    async load(name, source, spec = {}) {
      const code = await bundleSource(name, source);
      const evaluated = await evaluateBundle(code, {});
      const manifest = evaluated.ok ? parseManifest(evaluated.value, code.file) : undefined;
      const grant = manifest?.ok === true ? manifest.value.permissions : NOTHING;
      const options =
        manifest?.ok === true
          ? parseOptions(manifest.value.options, {}, { file: "", path: "" })
          : undefined;
      const values: Readonly<Record<string, JsonValue>> = options?.ok === true ? options.value : {};
      lines.send({ type: "bundle", bundle: code });
      lines.send({
        type: "load",
        check: {
          name,
          bundle: code.hash,
          options: values,
          grant,
          intervalMs: 200,
          timeoutMs: 200,
          rise: 1,
          fall: 1,
          retryDelayMs: undefined,
          startDelayMs: 0,
          onFault: "down",
          initialState: "unknown",
          faults: 0,
          secrets: {},
          target: null,
          ...spec,
        },
      });
    },
    async state(check) {
      await waitFor(`a judgement of ${check}`, () =>
        messages.find((message) => message.type === "state" && message.check === check),
      );
      const states = messages.filter(
        (message): message is State => message.type === "state" && message.check === check,
      );
      return states.at(-1) as State;
    },
    async judge(body, permissions) {
      const name = `check${nextId++}`;
      await host.load(name, check(body, permissions), { intervalMs: 60_000, timeoutMs: 3000 });
      const { state, reason } = await host.state(name);
      return state === "up" ? "up" : reason;
    },
    async report(check) {
      const id = nextId++;
      lines.send({ type: "report", id });
      const message = await waitFor("a report", () =>
        messages.find(
          (entry): entry is Extract<SandboxToDaemon, { type: "report" }> =>
            entry.type === "report" && entry.id === id,
        ),
      );
      const report = message.checks.find((entry) => entry.check === check);
      if (report === undefined) throw new Error(`the report does not name ${check}`);
      return report;
    },
    stop() {
      lines.close();
      child.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return host;
}

/** A check's source around the body of its function. */
export function check(body: string, permissions = "{}"): string {
  return `import { defineCheck } from "@karuntime/sdk";
export default defineCheck({
  permissions: ${permissions},
  async check({ processes, services, fetch, connect, exec, mail, files, system, log, options, down, weight, store, metrics, secrets, udp, dns, ping }) {
    ${body}
  },
});
`;
}
