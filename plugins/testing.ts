/** What the plugins' tests share: real servers to look at, and waiting for what a check says of them. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import type { CheckReport } from "../runtime/dist/sandbox/protocol.js";
import type { Project } from "../runtime/test/sandbox/plugins.ts";
import { startProject } from "../runtime/test/sandbox/plugins.ts";

const UNBOUND = "/usr/sbin/unbound";
export const noUnbound = existsSync(UNBOUND) ? false : "unbound is not installed";

export const noIPv6 = Object.values(networkInterfaces())
  .flat()
  .some((entry) => entry?.address === "::1")
  ? false
  : "this host has no ::1";

/**
 * Runs a body with a project's plugins, and ends them.
 *
 * @param parts of the configuration.
 */
export async function withProject(
  parts: string,
  body: (project: Project) => Promise<void>,
): Promise<void> {
  const project = await startProject({
    "karuntime.config.ts": `import { defineConfig } from "karuntime/config";
export default defineConfig({
  virtualRouters: { VI_1: { interface: "lo", id: 51, addresses: ["192.0.2.10/24"] } },
  ${parts}
});
`,
  });
  try {
    await body(project);
  } finally {
    await project.stop();
  }
}

/** Waits until the check's last run came to this. */
export async function becomes(
  project: Project,
  check: string,
  outcome: NonNullable<CheckReport["last"]>["outcome"],
  reason = /^/,
): Promise<void> {
  let last: CheckReport["last"];
  await project
    .waitFor(`${check} is ${outcome}`, async () => {
      ({ last } = await project.report(check));
      return last?.outcome === outcome && reason.test(last.reason) ? true : undefined;
    })
    .catch(() =>
      assert.fail(`${check} should be ${outcome} ${reason}, but is ${JSON.stringify(last)}`),
    );
}

/** Tells the first notifier that the virtual router is this now. @throws Error when it failed three times. */
export function tell(
  project: Project,
  event: "master" | "backup" | "fault" | "stop" | "contended",
  sequence = 1,
): Promise<void> {
  return project.plugins.notify(0, {
    sequence,
    subject: { type: "virtual-router", name: "VI_1" },
    event,
    state: event === "contended" ? "MASTER" : STATES[event],
    priority: 120,
    at: new Date(Date.UTC(2026, 0, 31, 12)),
  });
}

/** Tells the first notifier that the real server is this now, and what that means for the quorum. */
export async function tellDown(project: Project, sequence = 1): Promise<void> {
  const at = new Date(Date.UTC(2026, 0, 31, 12));
  const serviceName = "[192.0.2.10]:tcp:80";
  const server = { address: "192.0.2.11", port: 80, virtualServer: "web" };
  await project.plugins.notify(0, {
    sequence,
    at,
    subject: { type: "real-server", name: "192.0.2.11:80", ...server },
    event: "down",
    weight: 1,
    reason: "it answered 503",
    serverName: "[192.0.2.11]:tcp:80",
    serviceName,
  });
  await project.plugins.notify(0, {
    sequence: sequence + 1,
    at,
    subject: { type: "virtual-server", name: "web" },
    event: "quorum-down",
    weight: 0,
    quorum: 1,
    hysteresis: 0,
    serviceName,
  });
}

const STATES = { master: "MASTER", backup: "BACKUP", fault: "FAULT", stop: "STOP" } as const;

/** A running server of the test's own. */
export interface Server {
  /** It, and what it has started. */
  signal(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

/** Starts a program in a process group of its own; whether it serves, the check tells. */
export function serve(argv: readonly [string, ...string[]]): Server {
  const [file, ...words] = argv;
  const child: ChildProcess = spawn(file, words, { detached: true, stdio: "ignore" });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${file} cannot be started`);
  const exited = once(child, "exit");
  const signal = (name: NodeJS.Signals): void => void process.kill(-pid, name);
  return {
    signal,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) signal("SIGKILL");
      await exited;
    },
  };
}

/** A folder for a test's files, which others than its owner may enter. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "karuntime-plugin-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A port of 127.0.0.1 on which nobody listens, over UDP and TCP. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const socket = createSocket("udp4").bind(port, "127.0.0.1");
  await once(socket, "listening");
  socket.close();
  server.close();
  return port;
}

/** Unbound, which knows www.example.test and nothing else. @param clients "allow" or "refuse". */
export function serveDns(folder: string, port: number, clients: "allow" | "refuse"): Server {
  const configuration = join(folder, `unbound-${port}.conf`);
  writeFileSync(
    configuration,
    `server:
  interface: 127.0.0.1@${port}
  ${noIPv6 === false ? `interface: ::1@${port}` : ""}
  access-control: 127.0.0.0/8 ${clients}
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: ""
  use-syslog: no
  module-config: "iterator"
  local-zone: "." static
  local-data: "www.example.test. 60 A 192.0.2.80"
  local-data: "www.example.test. 60 A 192.0.2.81"
  local-data: "example.test. 60 MX 10 mail.example.test."
remote-control:
  control-enable: no
`,
  );
  return serve([UNBOUND, "-d", "-c", configuration]);
}
