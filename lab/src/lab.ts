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
  /** An IPv6 address with its prefix length for the same interface, as "fe80::11/64". Default: no IPv6 at all. */
  readonly ipv6?: string;
  /** Further interfaces on the same switch; their ports are named like the host with "-1", "-2", ... behind. */
  readonly extraInterfaces?: readonly ExtraInterface[];
}

export interface ExtraInterface {
  readonly name: string;
  /** With its prefix length, as "192.168.188.12/24". Default: none. */
  readonly address?: string;
}

export interface Lab {
  readonly switch: Host;
  /**
   * Adds a host and plugs it into the switch. Its name is also that of its port, so 15 characters at most; 13 when it
   * has extra interfaces.
   */
  host(name: string, options: HostOptions): Promise<Host>;
  /** Pulls or plugs the cable of a host: its interface loses or gets its carrier. Extra interfaces keep theirs. */
  setCable(host: Host, state: "plugged" | "pulled"): Promise<void>;
  /** Removes everything. Also happens, by the kernel's hand, when this process ends in whatever way. */
  close(): Promise<void>;
}

/* The last one is what makes the kernel act on the others. */
const ENABLE_IPV6 = `
set -eu
cd /proc/sys/net/ipv6/conf/"$1"
echo 0 >accept_ra
echo 0 >autoconf
echo 0 >router_solicitations
echo 1 >addr_gen_mode
echo 0 >disable_ipv6
`;

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
      await plugIn(hub, host, host.name, host.interface, options.address);
      if (options.ipv6 !== undefined) await enableIpv6(host, options.ipv6);
      for (const [index, extra] of (options.extraInterfaces ?? []).entries()) {
        await plugIn(hub, host, `${host.name}-${index + 1}`, extra.name, extra.address);
      }
      return host;
    },
    async setCable(host, state) {
      await hub.run(["ip", "link", "set", "dev", host.name, state === "plugged" ? "up" : "down"]);
    },
    async close() {
      await Promise.all([...hosts, hub].map((host) => host.stop()));
    },
  };
}

/** A cable: one end a port of the bridge, the other end an interface of the host, which is then up. */
async function plugIn(
  hub: Host,
  host: Host,
  port: string,
  interfaceName: string,
  address: string | undefined,
): Promise<void> {
  // Only the network namespace is entered: the far end's namespace is named by a process id as the machine sees it.
  const ip = (...argv: readonly string[]) =>
    promisify(execFile)("nsenter", [`--net=/proc/${hub.initPid}/ns/net`, "ip", ...argv]);
  const peer = ["peer", "name", interfaceName, "netns", String(host.initPid)];
  await ip("link", "add", "name", port, "type", "veth", ...peer);
  await ip("link", "set", "dev", port, "master", SWITCH_INTERFACE, "up");
  if (address !== undefined) {
    await host.run(["ip", "address", "add", address, "dev", interfaceName]);
  }
  await host.run(["ip", "link", "set", interfaceName, "up"]);
}

/** On the host's own interface only, and with this address only: the kernel neither makes nor asks for others. */
async function enableIpv6(host: Host, address: string): Promise<void> {
  await host.run(["sh", "-c", ENABLE_IPV6, "enable", host.interface]);
  await host.run(["ip", "address", "add", address, "dev", host.interface, "nodad"]);
}
