/** Hosts on one network that run karuntime with configurations written on the spot; the wire is recorded. */
import { spawnSync } from "node:child_process";
import type { Capture, CaptureOptions } from "@karuntime/lab/capture.ts";
import { startCapture } from "@karuntime/lab/capture.ts";
import type { Host } from "@karuntime/lab/host.ts";
import type { Karuntime } from "@karuntime/lab/karuntime.ts";
import { startKaruntime } from "@karuntime/lab/karuntime.ts";
import type { HostOptions, Lab } from "@karuntime/lab/lab.ts";
import { createLab } from "@karuntime/lab/lab.ts";
import { waitFor } from "@karuntime/lab/time.ts";
import type { UserConfiguration, UserVirtualRouter } from "../../src/config/define.ts";

const CONFIGURATION = "/run/test/karuntime.config.ts";
/** Reached only when something is broken. */
export const DEADLINE_MS = 20_000;

export interface Node {
  readonly host: Host;
  /** Its own address, without the prefix. */
  readonly address: string;
  readonly linkLocal: string;
  start(configuration: UserConfiguration): Promise<Karuntime>;
  holds(address: string): Promise<void>;
  lacks(address: string): Promise<void>;
}

export interface Cluster {
  readonly lab: Lab;
  readonly wire: Capture;
  /** Adds 10.0.0.N/24 and fe80::N/64 on ens33. */
  node(number: number, options?: Partial<HostOptions>): Promise<Node>;
}

/** Runs the scenario; everything is gone afterwards, whatever happened. */
export async function withCluster(
  scenario: (cluster: Cluster) => Promise<void>,
  capture: CaptureOptions = {},
): Promise<void> {
  const lab = await createLab();
  try {
    const wire = await startCapture(lab.switch, capture);
    await scenario({ lab, wire, node: (number, options) => addNode(lab, number, options) });
  } finally {
    await lab.close();
  }
}

async function addNode(
  lab: Lab,
  number: number,
  options: Partial<HostOptions> = {},
): Promise<Node> {
  const address = `10.0.0.${number}`;
  const linkLocal = `fe80::${number.toString(16)}`;
  const host = await lab.host(`n${number}`, {
    address: `${address}/24`,
    ipv6: `${linkLocal}/64`,
    ...options,
  });
  const until = async (wanted: boolean, virtual: string): Promise<void> => {
    await waitFor(
      `${host.name} ${wanted ? "to hold" : "not to hold"} ${virtual}`,
      async () => (await everyAddress(host)).includes(virtual) === wanted,
      DEADLINE_MS,
    );
  };
  return {
    host,
    address,
    linkLocal,
    start(configuration) {
      host.write(CONFIGURATION, `export default ${JSON.stringify(configuration)};`);
      return startKaruntime(host, { configuration: CONFIGURATION });
    },
    holds: (virtual) => until(true, virtual),
    lacks: (virtual) => until(false, virtual),
  };
}

/** On whichever interface of the host. */
export async function everyAddress(host: Host): Promise<string[]> {
  const links = JSON.parse(await host.run(["ip", "-json", "address"])) as readonly {
    readonly addr_info?: readonly { readonly local?: string }[];
  }[];
  return links.flatMap((link) => link.addr_info ?? []).flatMap((info) => info.local ?? []);
}

/** One virtual router named VI_1, of priority 100, with 10.0.0.100. */
export function configuration(
  changes: Partial<UserVirtualRouter> = {},
  more: Partial<UserConfiguration> = {},
): UserConfiguration {
  return {
    virtualRouters: {
      VI_1: { interface: "ens33", id: 51, addresses: ["10.0.0.100/24"], ...changes },
    },
    ...more,
  };
}

/** Waits for a line of the log. */
export function logged(karuntime: Karuntime, text: RegExp): Promise<unknown> {
  return waitFor(
    `the log to say ${text}`,
    () => karuntime.records.some((record) => text.test(record.message)),
    DEADLINE_MS,
  );
}

export function whyNot(): string | false {
  if (process.getuid?.() !== 0) return "needs root: it makes network namespaces";
  return spawnSync("sh", ["-c", "command -v tcpdump"]).status === 0 ? false : "needs tcpdump";
}
