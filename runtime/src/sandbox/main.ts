/**
 * The sandbox host's process: the only one that runs code written by users. It gives up its privileges before it takes a
 * message, and ends by SIGKILL alone, since an isolate that obeys no limit would keep any other end from happening.
 */
import { readFileSync } from "node:fs";
import { Socket } from "node:net";
import { parseArgs } from "node:util";
import { jsonLines } from "../json-lines.ts";
import type { Capabilities } from "./capabilities.ts";
import { createCapabilities } from "./capabilities.ts";
import { ProcessTable } from "./capability/processes.ts";
import { CheckRunner } from "./check-runner.ts";
import { evaluateBundle } from "./evaluate.ts";
import type { Inspection } from "./inspection.ts";
import { createInspection } from "./inspection.ts";
import { invokeOnce } from "./invoke-once.ts";
import { PluginIsolate } from "./isolate.ts";
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

const { values } = parseArgs({
  options: { uid: { type: "string" }, gid: { type: "string" }, memory: { type: "string" } },
});
dropPrivileges(values.uid, values.gid);
const memory = createMemoryWatch(Number(values.memory ?? Infinity), (bytes) =>
  recycle(`its memory stays at ${Math.round(bytes / 1e6)} MB although nothing runs in it`),
);

const checks = new Map<string, CheckRunner>();
const isolates = new Map<string, PluginIsolate>();
const notifiers = new Map<string, PluginRunner>();
const asked = new Map<
  number,
  { readonly resolve: (value: JsonValue) => void; readonly reject: (error: Error) => void }
>();
let processes: ProcessTable | undefined;
let inspection: Inspection | undefined;
let nextRequest = 1;

const channel = new Socket({ fd: CHANNEL_DESCRIPTOR, readable: true, writable: true });
const daemon = jsonLines<SandboxToDaemon>(
  channel,
  (message) => receive(message as DaemonToSandbox),
  end,
);
daemon.send({ type: "ready" });

function receive(message: DaemonToSandbox): void {
  switch (message.type) {
    case "load":
      return load(message.check);
    case "load-notifier":
      return void notifiers.set(message.notifier.name, createRunner(message.notifier).runner);
    case "notify":
      return void notify(message);
    case "invoke": {
      const { id, plugin, event } = message;
      return void invokeOnce(plugin, event, {
        capabilities: capabilitiesOf(plugin),
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
      return void daemon.send({ type: "pong", id: message.id });
    case "evaluate":
      return void evaluateBundle(message.bundle, message.environment, {
        onCatastrophe: recycle,
        memory,
      }).then((result) => daemon.send({ type: "evaluated", id: message.id, result }));
  }
}

function load(spec: CheckSpec): void {
  const check = new CheckRunner({
    spec,
    ...createRunner(spec),
    send: (sent) => void daemon.send(sent),
  });
  check.start(checks.size);
  checks.set(spec.name, check);
}

function createRunner(spec: CheckSpec | NotifierSpec): {
  readonly runner: PluginRunner;
  readonly capabilities: Capabilities;
} {
  const { name, bundle, options, timeoutMs } = spec;
  const capabilities = capabilitiesOf(spec);
  const runner = new PluginRunner({
    name,
    bundle,
    options,
    target: "target" in spec ? spec.target : null,
    timeoutMs,
    capabilities,
    isolate: () => isolateOf(bundle, name),
    onStuck: (reason) => recycle(reason, name),
  });
  return { runner, capabilities };
}

function capabilitiesOf({ name, grant, secrets }: NotifierSpec): Capabilities {
  return createCapabilities({
    plugin: name,
    grant,
    secrets,
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

/** Plugins of one bundle share an isolate. */
function isolateOf(bundle: PluginBundle, plugin: string): PluginIsolate {
  const present = isolates.get(bundle.hash);
  if (present?.usable === true) return present;
  const isolate = new PluginIsolate({
    code: bundle.code,
    name: bundleName(bundle),
    onCatastrophe: (reason) => recycle(reason, plugin),
    memory,
  });
  isolates.set(bundle.hash, isolate);
  return isolate;
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

function recycle(reason: string, plugin = ""): void {
  daemon.send({ type: "recycle", reason, plugin });
}

function end(): void {
  process.kill(process.pid, "SIGKILL");
}

/** @throws Error when a privilege is left: such a process takes no plugin. */
function dropPrivileges(uid: string | undefined, gid: string | undefined): void {
  if (uid !== undefined && gid !== undefined) {
    process.setgroups?.([]);
    process.setgid?.(Number(gid));
    process.setuid?.(Number(uid));
  }
  const status = readFileSync("/proc/self/status", "utf8");
  if (
    !/^CapEff:\t0+$/m.test(status) ||
    !/^CapPrm:\t0+$/m.test(status) ||
    !/^NoNewPrivs:\t1$/m.test(status)
  ) {
    throw new Error("the sandbox host still has privileges and does not start");
  }
}
