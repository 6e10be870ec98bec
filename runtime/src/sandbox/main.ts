/**
 * The sandbox host's process: the only one that runs code written by users. It gives up its privileges before it takes a
 * message, and ends by SIGKILL alone, since an isolate that obeys no limit would keep any other end from happening.
 */
import { Socket } from "node:net";
import { parseArgs } from "node:util";
import { jsonLines } from "../json-lines.ts";
import { createRedaction } from "../redaction.ts";
import type { Capabilities } from "./capabilities.ts";
import { createCapabilities } from "./capabilities.ts";
import { ProcessTable } from "./capability/processes.ts";
import { CheckRunner } from "./check-runner.ts";
import { dropPrivileges } from "./drop-privileges.ts";
import { evaluateBundle } from "./evaluate.ts";
import type { IsolatePool } from "./isolate-pool.ts";
import { createIsolatePool } from "./isolate-pool.ts";
import type { Inspection } from "./inspection.ts";
import { createInspection } from "./inspection.ts";
import { invokeOnce } from "./invoke-once.ts";
import { createMemoryWatch } from "./memory-watch.ts";
import { PluginRunner } from "./plugin-runner.ts";
import type {
  CheckSpec,
  DaemonToSandbox,
  JsonValue,
  NotifierSpec,
  PluginBundle,
  PrivilegedRequest,
  SandboxToDaemon,
} from "./protocol.ts";
import { bundleName } from "./source-map.ts";

const CHANNEL_DESCRIPTOR = 3;
/** A check that has run tells the daemon that this process lives, no more often than this. */
const ALIVE_MS = 900;

const { values } = parseArgs({
  options: { uid: { type: "string" }, gid: { type: "string" }, memory: { type: "string" } },
});
dropPrivileges(values.uid, values.gid);
const memory = createMemoryWatch(
  Number(values.memory ?? Infinity),
  (bytes) =>
    recycle(
      `its memory stays at ${Math.round(bytes / 1e6)} MB although nothing grows in it; it may need a larger sandbox.memory`,
    ),
  (plugins) => void daemon.send({ type: "long", plugins }),
);

const checks = new Map<string, CheckRunner>();
const bundles = new Map<string, PluginBundle>();
const pools = new Map<string, IsolatePool>();
const notifiers = new Map<string, PluginRunner>();
const asked = new Map<
  number,
  { readonly resolve: (value: JsonValue) => void; readonly reject: (error: Error) => void }
>();
let processes: ProcessTable | undefined;
let inspection: Inspection | undefined;
let nextRequest = 1;
let aliveAtMs = 0;

const channel = new Socket({ fd: CHANNEL_DESCRIPTOR, readable: true, writable: true });
const daemon = jsonLines<SandboxToDaemon>(
  channel,
  (message) => receive(message as DaemonToSandbox),
  end,
);
daemon.send({ type: "ready" });

function receive(message: DaemonToSandbox): void {
  switch (message.type) {
    case "bundle":
      return void bundles.set(message.bundle.hash, message.bundle);
    case "load":
      return load(withBundle(message.check));
    case "load-notifier": {
      const spec = withBundle(message.notifier);
      return void notifiers.set(spec.name, createRunner(spec).runner);
    }
    case "notify":
      return void notify(message);
    case "invoke": {
      const { id, plugin, event } = message;
      const redact = createRedaction([plugin.secrets]);
      return void invokeOnce(plugin, event, {
        capabilities: capabilitiesOf(plugin, redact),
        redact,
        onCatastrophe: (reason) => recycle(reason, plugin.name),
        memory,
        inspect: (isolate) =>
          (inspection = createInspection(isolate, (text) =>
            daemon.send({ type: "inspected", message: text }),
          )),
      }).then((invocation) => daemon.send({ type: "invoked", id, invocation }));
    }
    case "inspect":
      return inspection?.receive(message.message);
    case "answer": {
      const waiting = asked.get(message.id);
      asked.delete(message.id);
      if (message.result.ok) waiting?.resolve(message.result.value);
      else waiting?.reject(new Error(message.result.error));
      return;
    }
    case "report": {
      const now = performance.now();
      daemon.send({
        type: "report",
        id: message.id,
        checks: [...checks.values()].map((check) => check.report(now)),
      });
      return;
    }
    case "wake":
      return checks.get(message.check)?.wake();
    case "ping":
      return void daemon.send({ type: "pong" });
    case "evaluate":
      return void evaluateBundle(message.bundle, message.environment, {
        onCatastrophe: recycle,
        memory,
      }).then((result) => daemon.send({ type: "evaluated", id: message.id, result }));
  }
}

function withBundle<Spec extends { readonly bundle: string }>(
  spec: Spec,
): Omit<Spec, "bundle"> & { readonly bundle: PluginBundle } {
  const bundle = bundles.get(spec.bundle);
  if (bundle === undefined) throw new Error(`the bundle ${spec.bundle} did not come`);
  return { ...spec, bundle };
}

function load(spec: CheckSpec): void {
  const check = new CheckRunner({
    spec,
    ...createRunner(spec),
    send: (sent) => void daemon.send(sent),
    onRun: sayAlive,
  });
  check.start(checks.size);
  checks.set(spec.name, check);
}

function createRunner(spec: CheckSpec | NotifierSpec): {
  readonly runner: PluginRunner;
  readonly capabilities: Capabilities;
} {
  const { name, bundle, options, timeoutMs } = spec;
  const redact = createRedaction([spec.secrets]);
  const capabilities = capabilitiesOf(spec, redact);
  const runner = new PluginRunner({
    name,
    bundle,
    options,
    target: "target" in spec ? spec.target : null,
    timeoutMs,
    capabilities,
    redact,
    isolate: isolatesOf(bundle).take,
    onStuck: (reason) => recycle(reason, name),
  });
  return { runner, capabilities };
}

function capabilitiesOf(
  { name, grant, secrets }: Pick<NotifierSpec, "name" | "grant" | "secrets">,
  redact: (text: string) => string,
): Capabilities {
  return createCapabilities({
    plugin: name,
    grant,
    secrets,
    redact,
    processes: () => (processes ??= new ProcessTable()),
    send: (sent) => void daemon.send(sent),
    ask: askDaemon,
  });
}

async function notify({
  id,
  notifier,
  event,
}: Extract<DaemonToSandbox, { type: "notify" }>): Promise<void> {
  const result = await notifiers.get(notifier)?.run(event);
  const error = result === undefined ? "there is no such notifier" : result.reason;
  daemon.send({
    type: "notified",
    id,
    result: result?.outcome === "up" ? { ok: true } : { ok: false, error },
  });
}

function isolatesOf(bundle: PluginBundle): IsolatePool {
  const present = pools.get(bundle.hash);
  if (present !== undefined) return present;
  const pool = createIsolatePool({
    code: bundle.code,
    name: bundleName(bundle),
    onCatastrophe: recycle,
    memory,
  });
  pools.set(bundle.hash, pool);
  return pool;
}

function askDaemon(
  plugin: string,
  request: PrivilegedRequest,
  signal: AbortSignal,
): Promise<JsonValue> {
  const id = nextRequest++;
  return new Promise((resolve, reject) => {
    asked.set(id, { resolve, reject });
    signal.addEventListener("abort", () => {
      if (!asked.delete(id)) return;
      daemon.send({ type: "cancel", id });
      reject(new Error("it was given up"));
    });
    daemon.send({ type: "request", id, plugin, request });
  });
}

function sayAlive(): void {
  const nowMs = performance.now();
  if (nowMs - aliveAtMs < ALIVE_MS) return;
  aliveAtMs = nowMs;
  daemon.send({ type: "alive" });
}

function recycle(reason: string, plugin = ""): void {
  daemon.send({ type: "recycle", reason, plugin });
}

function end(): void {
  process.kill(process.pid, "SIGKILL");
}
