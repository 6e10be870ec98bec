/** The three programs behind the same verbs: what the matrix needs of each. */
import { startFrr } from "@karuntime/lab/frr.ts";
import { startKaruntime } from "@karuntime/lab/karuntime.ts";
import { startKeepalived } from "@karuntime/lab/keepalived.ts";
import type { Host } from "@karuntime/lab/host.ts";
import type { UserConfiguration } from "../../src/config/define.ts";

export const ID = 51;
export const PASSWORD = "aminglin";
/** A tracker that fails takes this from the priority. */
const WEIGHT = -150;
const TRACKED = "/run/tracked";
const CONFIGURATION = "/run/test/karuntime.config.ts";

export interface Dialect {
  readonly version: 2 | 3;
  readonly family: "IPv4" | "IPv6";
  readonly transport: "multicast" | "unicast";
  readonly authentication: "none" | "PASS" | "AH";
  readonly virtualMac: boolean;
}

export type Program = "karuntime" | "keepalived" | "frr";

/** One program on a host of its own. */
export interface Peer {
  readonly program: Program;
  start(priority: number): Promise<void>;
  /** Waits until it is so, by the program's own word. */
  is(state: "master" | "backup"): Promise<void>;
  /** What its tracker says changes its priority by -150, or back. */
  track(state: "good" | "bad"): Promise<void>;
  /** SIGTERM. */
  stop(): Promise<void>;
  /** SIGKILL to all of it. */
  kill(): Promise<void>;
}

/** A virtual router as one of two hosts runs it. */
export interface Place {
  readonly host: Host;
  readonly dialect: Dialect;
  readonly address: string;
  readonly peer: string;
  readonly timeoutMs: number;
}

export function intervalMs({ version }: Dialect): number {
  return version === 2 ? 1000 : 200;
}

function addresses({ family }: Dialect): readonly string[] {
  return family === "IPv4" ? ["10.0.0.100/24"] : ["fe80::33/64", "2001:db8::100/64"];
}

export function createPeer(program: Program, place: Place): Peer {
  place.host.write(TRACKED, "0\n");
  switch (program) {
    case "karuntime":
      return karuntimePeer(place);
    case "keepalived":
      return keepalivedPeer(place);
    case "frr":
      return frrPeer(place);
  }
}

function karuntimePeer({ host, dialect, peer, timeoutMs }: Place): Peer {
  let running: Awaited<ReturnType<typeof startKaruntime>> | undefined;
  const current = () => {
    if (running === undefined) throw new Error("karuntime was not started");
    return running;
  };
  return {
    program: "karuntime",
    async start(priority) {
      const { authentication, transport, virtualMac, version } = dialect;
      const configuration: UserConfiguration = {
        files: { tracked: { path: TRACKED, weight: WEIGHT } },
        virtualRouters: {
          VI_1: {
            interface: host.interface,
            id: ID,
            priority,
            version,
            advertInterval: `${intervalMs(dialect)}ms`,
            addresses: addresses(dialect),
            authentication:
              authentication === "none"
                ? { type: "none" }
                : { type: authentication, password: PASSWORD },
            ...(transport === "unicast" ? { unicast: { peers: [peer] } } : {}),
            virtualMac,
            track: { files: ["tracked"] },
          },
        },
      };
      host.write(CONFIGURATION, `export default ${JSON.stringify(configuration)};`);
      running = await startKaruntime(host, { configuration: CONFIGURATION });
    },
    is: (state) => current().entered(state, timeoutMs),
    track: async (state) => host.write(TRACKED, state === "good" ? "0\n" : "1\n"),
    async stop() {
      await current().stop();
    },
    kill: () => host.killEverything(),
  };
}

function keepalivedPeer({ host, dialect, address, peer, timeoutMs }: Place): Peer {
  let running: Awaited<ReturnType<typeof startKeepalived>> | undefined;
  const current = () => {
    if (running === undefined) throw new Error("keepalived was not started");
    return running;
  };
  return {
    program: "keepalived",
    async start(priority) {
      const { authentication, transport, virtualMac, version } = dialect;
      running = await startKeepalived(host, {
        id: ID,
        priority,
        version,
        advertIntervalSeconds: intervalMs(dialect) / 1000,
        addresses: addresses(dialect),
        virtualMac,
        trackFile: { path: TRACKED, weight: WEIGHT },
        ...(authentication === "PASS" ? { password: PASSWORD } : {}),
        ...(authentication === "AH" ? { ah: PASSWORD } : {}),
        ...(transport === "unicast" ? { unicast: { source: address, peers: [peer] } } : {}),
      });
    },
    is: (state) => current().entered(state === "master" ? "MASTER" : "BACKUP", timeoutMs),
    track: async (state) => host.write(TRACKED, state === "good" ? "0\n" : "1\n"),
    stop: () => current().stop(),
    kill: () => current().kill(),
  };
}

function frrPeer({ host, dialect, timeoutMs }: Place): Peer {
  let running: Awaited<ReturnType<typeof startFrr>> | undefined;
  let configured = 0;
  const current = () => {
    if (running === undefined) throw new Error("FRR was not started");
    return running;
  };
  return {
    program: "frr",
    async start(priority) {
      configured = priority;
      running = await startFrr(host, {
        id: ID,
        priority,
        version: dialect.version,
        advertIntervalMs: intervalMs(dialect),
        addresses: addresses(dialect),
      });
    },
    is: (state) => current().entered(state === "master" ? "Master" : "Backup", timeoutMs),
    // FRR tracks nothing; an operator's hand does it.
    track: (state) => current().setPriority(configured + (state === "good" ? 0 : WEIGHT)),
    stop: () => current().stop(),
    kill: () => current().kill(),
  };
}
