/** The stage: two nodes with nginx and karuntime, a client that asks the virtual address all the time, a wire-tap. */
import { fileURLToPath } from "node:url";
import type { Capture } from "@karuntime/lab/capture.ts";
import { startCapture } from "@karuntime/lab/capture.ts";
import type { Host } from "@karuntime/lab/host.ts";
import type { Karuntime, LogRecord } from "@karuntime/lab/karuntime.ts";
import { startKaruntime, transitionOf } from "@karuntime/lab/karuntime.ts";
import type { Lab } from "@karuntime/lab/lab.ts";
import { createLab } from "@karuntime/lab/lab.ts";
import type { Nginx } from "@karuntime/lab/nginx.ts";
import { installNginx } from "@karuntime/lab/nginx.ts";
import type { Probe } from "@karuntime/lab/probe.ts";
import { startProbe } from "@karuntime/lab/probe.ts";
import { remark } from "./report.ts";

const CONFIGURATION = fileURLToPath(new URL("../karuntime.config.ts", import.meta.url));
/** These two as in the configuration. */
export const VIRTUAL_ADDRESS = "192.168.188.100";
export const ADVERT_INTERVAL_MS = 1000;

export interface Node {
  readonly name: string;
  readonly address: string;
  readonly priority: number;
  readonly host: Host;
  readonly nginx: Nginx;
  /** The daemon that runs, or ran last. */
  readonly karuntime: () => Karuntime;
  start(options?: { readonly preempt: boolean }): Promise<void>;
  holdsAddress(): Promise<boolean>;
}

export interface Stage {
  readonly lab: Lab;
  /** The higher priority. */
  readonly a: Node;
  readonly b: Node;
  readonly probe: Probe;
  readonly wire: Capture;
}

export async function setUpStage(): Promise<Stage> {
  const lab = await createLab();
  const client = await lab.host("client", { address: "192.168.188.20/24" });
  return {
    lab,
    a: await createNode(lab, "node-a", "192.168.188.11", 100),
    b: await createNode(lab, "node-b", "192.168.188.12", 90),
    wire: await startCapture(lab.switch),
    probe: await startProbe(client, { address: VIRTUAL_ADDRESS }),
  };
}

async function createNode(
  lab: Lab,
  name: string,
  address: string,
  priority: number,
): Promise<Node> {
  const host = await lab.host(name, { address: `${address}/24` });
  let karuntime: Karuntime | undefined;
  return {
    name,
    address,
    priority,
    host,
    nginx: await installNginx(host),
    karuntime() {
      if (karuntime === undefined) throw new Error(`${name} has not been started`);
      return karuntime;
    },
    async start(options = { preempt: true }) {
      karuntime = await startKaruntime(host, {
        configuration: CONFIGURATION,
        env: { PRIORITY: String(priority), PREEMPT: options.preempt ? "yes" : "no" },
        onRecord: (record) => retell(name, record),
      });
    },
    holdsAddress: () => host.holds(VIRTUAL_ADDRESS),
  };
}

/** Of a node's log what belongs to the story: who is what and why, and everything that is a warning. */
function retell(name: string, record: LogRecord): void {
  const transition = transitionOf(record);
  if (transition !== undefined) {
    const { virtualRouter, to, reason, priority, atMs } = transition;
    remark(
      `${name}: ${virtualRouter} is ${to.toUpperCase()} (${reason}), priority ${priority}`,
      atMs,
    );
  } else if (record.level === "warn" || record.level === "error") {
    const { reason, error } = record.fields;
    const why = [reason, error].filter((detail) => typeof detail === "string").join("; ");
    remark(`${name}: ${record.message}${why === "" ? "" : `: ${why}`}`, record.atMs);
  }
}
