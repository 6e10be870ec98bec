/** The one model of what is going on, behind `karuntime status` and whatever else looks in; and how a person reads it. */
import type { EngineStatus, VirtualRouterStatus } from "../engine/protocol.ts";
import type { CheckReport } from "../sandbox/protocol.ts";
import type { FaultReason } from "../vrrp/types.ts";

export interface StatusReport {
  readonly version: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly configuration: string;
  readonly daemon: { readonly pid: number };
  readonly engine: ProcessStatus & {
    readonly scheduling: EngineStatus["scheduling"] | undefined;
    readonly lateness: EngineStatus["lateness"] | undefined;
  };
  readonly sandboxes: readonly SandboxStatus[];
  readonly virtualRouters: readonly (VirtualRouterStatus & { readonly since: string })[];
  readonly virtualServers: readonly VirtualServerStatus[];
  /** Those of this host, and the checkers of real servers. */
  readonly checks: readonly CheckStatus[];
  /** Packets on our interfaces that belong to no virtual router of ours, by reason. */
  readonly drops: Readonly<Record<string, number>>;
}

export interface ProcessStatus {
  readonly pid: number | undefined;
  readonly state: "running" | "not answering" | "restarting";
  readonly restarts: number;
}

export interface SandboxStatus extends Omit<ProcessStatus, "state"> {
  /** The trust group: "operator", or a package. */
  readonly name: string;
  /** "idle": it is started when there is something to do. */
  readonly state: ProcessStatus["state"] | "idle";
  readonly memory: "limited by the kernel" | "watched";
}

export interface CheckStatus extends CheckReport {
  readonly plugin: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** What the virtual routers are told: the last judgement, also while the sandbox host is being replaced. */
  readonly effective: "unknown" | "up" | "down";
}

export interface VirtualServerStatus {
  readonly name: string;
  /** @property weight the sum over the real servers that are up. */
  readonly quorum: { readonly up: boolean; readonly weight: number; readonly needed: number };
  readonly realServers: readonly {
    readonly name: string;
    readonly up: boolean;
    readonly weight: number;
    /** Whether anything checks it; else it counts as up. */
    readonly checked: boolean;
    readonly reason: string;
  }[];
}

/** Why a virtual router is in FAULT, in words. */
export function describeFault(fault: FaultReason): string {
  switch (fault.type) {
    case "interface-missing":
      return "the interface does not exist";
    case "interface-down":
      return "the interface is down";
    case "no-source-address":
      return "the interface has no address to send from";
    case "tracker-unknown":
      return `waiting for the first result of ${fault.tracker}`;
    case "tracker-down":
      return `${fault.tracker} is down`;
    case "sync-group":
      return `${fault.member}, which is in the same sync group, is in FAULT`;
    case "address-lost":
      return `${fault.address} was removed by somebody else`;
    case "address-refused":
      return `${fault.address} could not be added: ${fault.reason}`;
  }
}

/** The report as `karuntime status` prints it. */
export function formatStatus(report: StatusReport): string {
  const lines = [
    `karuntime ${report.version}, up since ${report.startedAt}, ${report.configuration}`,
    `daemon ${report.daemon.pid}, engine ${formatProcess(report.engine)}${formatTiming(report.engine)}, ${report.sandboxes.map((sandbox) => `sandbox host "${sandbox.name}" ${formatProcess(sandbox)}`).join(", ")}`,
  ];
  for (const router of report.virtualRouters) lines.push("", ...formatVirtualRouter(router));
  for (const server of report.virtualServers) lines.push("", ...formatVirtualServer(server));
  for (const check of report.checks) lines.push("", ...formatCheck(check));
  lines.push(...formatCounts("dropped packets of no virtual router here", report.drops));
  return lines.join("\n");
}

/** How the engine runs, and how late it has been. */
function formatTiming({ scheduling, lateness }: StatusReport["engine"]): string {
  if (scheduling === undefined || lateness === undefined) return "";
  return ` (${scheduling}, at most ${lateness.maxMs.toFixed(1)} ms late)`;
}

function formatProcess(status: ProcessStatus | SandboxStatus): string {
  const restarts = status.restarts === 0 ? "" : `, restarted ${status.restarts} times`;
  return `${status.pid ?? "-"}${status.state === "running" ? "" : ` ${status.state}`}${restarts}`;
}

function formatVirtualRouter(router: StatusReport["virtualRouters"][number]): string[] {
  const { effective, base, parts } = router.priority;
  const sum = parts
    .filter((part) => part.amount !== 0)
    .map(
      (part) =>
        ` ${part.amount > 0 ? "+" : "-"} ${Math.abs(part.amount)} (${part.tracker} is ${part.state})`,
    );
  const addresses = router.addresses.map(
    (entry) =>
      `${entry.address}/${entry.prefixLength}${entry.foreign ? " (was there before: left alone)" : entry.held ? " held" : ""}`,
  );
  const group = router.syncGroup === undefined ? "" : `, sync group ${router.syncGroup}`;
  const lines = [
    `${router.name}  ${router.state.toUpperCase()}  since ${router.since} (${router.reason})${router.ready ? ", waits for its sync group" : ""}`,
    `  ${router.interface}, version ${router.version}, virtual router id ${router.id}, priority ${effective}${sum.length === 0 ? "" : ` = ${base}${sum.join("")}`}${group}`,
    `  addresses ${addresses.join(", ")}`,
  ];
  if (router.faults.length > 0)
    lines.push(`  because ${router.faults.map(describeFault).join("; ")}`);
  if (router.master !== undefined)
    lines.push(
      `  master ${router.master.address}, priority ${router.master.priority}, heard ${formatMs(router.master.heardAgoMs)} ago`,
    );
  const { counters } = router;
  lines.push(
    `  advertisements sent ${counters.advertisementsSent}, received ${counters.advertisementsReceived}; became master ${counters.becameMaster} times`,
  );
  lines.push(...formatCounts("  dropped", router.drops));
  for (const peer of router.peers.filter((entry) => !isInOrder(entry)))
    lines.push(formatPeer(peer));
  return lines;
}

function formatVirtualServer({ name, quorum, realServers }: VirtualServerStatus): string[] {
  return [
    `virtual server ${name}  quorum ${quorum.up ? "UP" : "DOWN"}`,
    `  the weights of what is up come to ${quorum.weight}, the quorum is ${quorum.needed}`,
    ...realServers.map(
      (real) =>
        `  real server ${real.name}  ${real.up ? "UP" : "DOWN"}  weight ${real.weight}${real.checked ? "" : "  not checked"}${real.reason === "" ? "" : `  ${real.reason}`}`,
    ),
  ];
}

type PeerStatus = VirtualRouterStatus["peers"][number];

function isInOrder(peer: PeerStatus): boolean {
  return peer.verdict === "accepted" && !peer.addressesDiffer && !peer.intervalDiffers;
}

/** Somebody on our virtual router id who is not as we are: why there may be two masters. */
function formatPeer(peer: PeerStatus): string {
  const remarks = [
    ...(peer.verdict === "accepted" ? [] : [`not believed: ${peer.verdict}`]),
    ...(peer.addressesDiffer ? ["its addresses differ"] : []),
    ...(peer.intervalDiffers ? [`its interval is ${formatMs(peer.advertIntervalMs)}`] : []),
  ];
  return `  also here: ${peer.address}, priority ${peer.priority}, ${peer.addresses.join(", ")}, heard ${formatMs(peer.heardAgoMs)} ago: ${remarks.join("; ")}`;
}

function formatCheck(check: CheckStatus): string[] {
  const lines = [
    `check ${check.check}  ${check.effective.toUpperCase()}${check.reason === "" ? "" : `  ${check.reason}`}`,
    `  ${check.plugin}, every ${formatMs(check.intervalMs)}, limit ${formatMs(check.timeoutMs)}`,
  ];
  const { last } = check;
  if (last !== undefined)
    lines.push(
      `  last ${last.outcome} ${formatMs(last.agoMs)} ago in ${last.durationMs.toFixed(1)} ms${last.reason === "" ? "" : `: ${last.reason}`}`,
    );
  const outcomes = Object.entries(check.outcomes)
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `${outcome} ${count}`);
  lines.push(
    `  ${check.runs} runs${outcomes.length === 0 ? "" : `: ${outcomes.join(", ")}`}${check.skipped === 0 ? "" : `; ${check.skipped} skipped`}${check.denied === 0 ? "" : `; ${check.denied} requests denied`}`,
  );
  if (check.backsOffMs > 0)
    lines.push(
      `  runs less often: ${check.faults} faults of its own in a row; next in ${formatMs(check.backsOffMs)}`,
    );
  return lines;
}

function formatCounts(title: string, counts: Readonly<Record<string, number>>): string[] {
  const parts = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${reason} ${count}`);
  return parts.length === 0 ? [] : [`${title}: ${parts.join(", ")}`];
}

function formatMs(milliseconds: number): string {
  return milliseconds < 1000
    ? `${Math.round(milliseconds)} ms`
    : `${Number((milliseconds / 1000).toFixed(1))} s`;
}
