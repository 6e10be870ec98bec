/**
 * A lab: hosts on one switch, each in namespaces of its own, on one machine. The machine's own namespaces are not
 * touched: the switch is a bridge inside a host of its own.
 *
 *   const lab = await createLab();
 *   const node = await lab.host("node-a", { address: "192.168.188.11/24" });
 *   await node.exec(["ip", "address"]);
 *   await lab.close();
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Host } from "./host.ts";

/** The bridge's name inside the switch: where a capture sees every advertisement and broadcast once. */
export const SWITCH_INTERFACE = "switch";

export interface HostOptions {
  /** The host's own address with its prefix length, as "192.168.188.11/24". */
  readonly address: string;
  /** Name of its interface. Default "ens33". */
  readonly interface?: string;
}

export interface Lab {
  readonly switch: Host;
  /** Adds a host and plugs it into the switch. Its name is also that of its port, so 15 characters at most. */
  host(name: string, options: HostOptions): Promise<Host>;
  /** Pulls or plugs the cable of a host: its interface loses or gets its carrier. */
  setCable(host: Host, state: "plugged" | "pulled"): Promise<void>;
  /** Removes everything. Also happens, by the kernel's hand, when this process ends in whatever way. */
  close(): Promise<void>;
}

/** Needs root or its likeness: see `ensureLabPrivileges`. */
export async function createLab(): Promise<Lab> {
  const hub = await Host.start("switch", SWITCH_INTERFACE);
  await hub.run([
    "ip",
    "link",
    "add",
    SWITCH_INTERFACE,
    "type",
    "bridge",
    "stp_state",
    "0",
    "forward_delay",
    "0",
    "mcast_snooping",
    "0",
  ]);
  await hub.run(["ip", "link", "set", SWITCH_INTERFACE, "up"]);
  const hosts: Host[] = [];

  return {
    switch: hub,
    async host(name, options) {
      const host = await Host.start(name, options.interface ?? "ens33");
      hosts.push(host);
      await connect(hub, host);
      await host.run(["ip", "address", "add", options.address, "dev", host.interface]);
      await host.run(["ip", "link", "set", host.interface, "up"]);
      return host;
    },
    async setCable(host, state) {
      await hub.run(["ip", "link", "set", host.name, state === "plugged" ? "up" : "down"]);
    },
    async close() {
      await Promise.all([...hosts, hub].map((host) => host.stop()));
    },
  };
}

/** A cable: one end a port of the bridge, named like the host, the other end the host's interface. */
async function connect(hub: Host, host: Host): Promise<void> {
  // Only the network namespace is entered: the far end's namespace is named by a process id as the machine sees it.
  const ip = (...argv: readonly string[]) =>
    promisify(execFile)("nsenter", [`--net=/proc/${hub.initPid}/ns/net`, "ip", ...argv]);
  const peer = ["peer", "name", host.interface, "netns", String(host.initPid)];
  await ip("link", "add", host.name, "type", "veth", ...peer);
  await ip("link", "set", host.name, "master", SWITCH_INTERFACE, "up");
}
