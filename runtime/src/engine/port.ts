/** One interface as the virtual routers on it use it: the sockets that receive on it, and those that send for it. */
import type { VrrpReceiver, VrrpSender } from "../linux/vrrp-socket.ts";
import { openVrrpReceiver, openVrrpSender } from "../linux/vrrp-socket.ts";
import type { AddressFamily, IpAddress } from "../packet/address.ts";
import { AH_OCTETS } from "../packet/ah.ts";
import { PROTOCOL_AH, PROTOCOL_VRRP } from "../packet/ip.ts";
import type { VirtualRouterConfig } from "../vrrp/config.ts";
import type { Arrival } from "../vrrp/router-set.ts";
import type { Network } from "./network.ts";

export interface PortOptions {
  readonly name: string;
  /** The virtual routers on this interface. */
  readonly configs: readonly VirtualRouterConfig[];
  readonly onArrival: (arrival: Arrival) => void;
  readonly onError: (message: string) => void;
}

/** A socket and the index of the interface that it was opened for. */
interface Opened<Socket> {
  readonly index: number;
  readonly socket: Socket;
}

export class Port {
  readonly name: string;
  readonly #options: PortOptions;
  /** By device and family. */
  readonly #senders = new Map<string, Opened<VrrpSender>>();
  /** By device, family and protocol. */
  readonly #receivers = new Map<string, Opened<VrrpReceiver>>();

  constructor(options: PortOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Opens what can be opened and is not; closes what belongs to an interface that is gone. */
  refresh(network: Network): void {
    const { configs, onError } = this.#options;
    for (const need of needs(configs)) {
      const { device, family, protocol, groups, ids } = need;
      this.#reopen(this.#receivers, `${device} ${family} ${protocol}`, device, network, (index) =>
        openVrrpReceiver({
          interface: device,
          index,
          family,
          protocol,
          groups,
          onMessage: ({ bytes, ipv6 }) => {
            const arrival: Arrival =
              ipv6 === undefined
                ? { family: "ipv4", bytes }
                : { family: "ipv6", ...ipv6, protocol, header: undefined, payload: bytes };
            if (this.#isHeardOn(device, arrival, ids)) this.#options.onArrival(arrival);
          },
          onError: (reason) => onError(`VRRP socket on ${device}: ${reason}`),
        }),
      );
    }
    for (const config of configs) {
      const device = sendingDevice(config);
      const { family } = config;
      this.#reopen(this.#senders, `${device} ${family}`, device, network, (index) =>
        openVrrpSender({
          interface: device,
          index,
          family,
          onError: (reason) => onError(`VRRP socket on ${device}: ${reason}`),
        }),
      );
    }
  }

  /** Whether a virtual router can both hear and be heard. */
  serves(config: VirtualRouterConfig): boolean {
    const protocol = config.authentication.type === "AH" ? PROTOCOL_AH : PROTOCOL_VRRP;
    const key = `${listeningDevice(config)} ${config.family} ${protocol}`;
    return this.#receivers.has(key) && this.#senderOf(config) !== undefined;
  }

  /** @throws Error with the kernel's reason. */
  send(config: VirtualRouterConfig, packet: Uint8Array, destination: IpAddress): void {
    const sender = this.#senderOf(config);
    if (sender === undefined) throw new Error(`${sendingDevice(config)} has no VRRP socket`);
    sender.socket.send(packet, destination);
  }

  close(): void {
    for (const { socket } of [...this.#senders.values(), ...this.#receivers.values()])
      socket.close();
    this.#senders.clear();
    this.#receivers.clear();
  }

  #senderOf(config: VirtualRouterConfig): Opened<VrrpSender> | undefined {
    return this.#senders.get(`${sendingDevice(config)} ${config.family}`);
  }

  #reopen<Socket extends { close(): void }>(
    sockets: Map<string, Opened<Socket>>,
    key: string,
    device: string,
    network: Network,
    open: (index: number) => Socket,
  ): void {
    const present = network.links.get(device)?.index;
    const before = sockets.get(key);
    if (before?.index === present) return;
    before?.socket.close();
    sockets.delete(key);
    if (present === undefined) return;
    try {
      sockets.set(key, { index: present, socket: open(present) });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.onError(`no VRRP socket on ${device}: ${reason}`);
    }
  }

  /**
   * A packet reaches an interface and every macvlan above it, except that one from a macvlan's own hardware address
   * reaches that macvlan alone: each virtual router is told of what comes by the one interface where all of it comes.
   */
  #isHeardOn(device: string, arrival: Arrival, ids: ReadonlySet<number>): boolean {
    const id = virtualRouterIdOf(arrival);
    if (device !== this.name) return ids.has(id);
    return !this.#options.configs.some(
      (config) =>
        config.id === id && config.family === arrival.family && listeningDevice(config) !== device,
    );
  }
}

/** The interface that advertisements leave by. A peer's address is known on the base interface alone. */
function sendingDevice({ interface: base, virtualMac, transport }: VirtualRouterConfig): string {
  return virtualMac?.sendFrom === "virtual" && transport.type === "multicast"
    ? virtualMac.interface
    : base;
}

function listeningDevice({ interface: base, virtualMac, transport }: VirtualRouterConfig): string {
  return transport.type === "multicast" ? (virtualMac?.interface ?? base) : base;
}

interface Need {
  readonly device: string;
  readonly family: AddressFamily;
  readonly protocol: number;
  readonly groups: IpAddress[];
  /** Of the virtual routers that listen there. */
  readonly ids: Set<number>;
}

/** What the virtual routers of an interface listen to: a socket for each device, family and protocol. */
function needs(configs: readonly VirtualRouterConfig[]): Iterable<Need> {
  const sockets = new Map<string, Need>();
  for (const config of configs) {
    const { family, authentication, transport, id } = config;
    const device = listeningDevice(config);
    // Without the other socket, a peer with the wrong kind of authentication would not be seen at all.
    for (const protocol of family === "ipv4" ? [PROTOCOL_VRRP, PROTOCOL_AH] : [PROTOCOL_VRRP]) {
      if (protocol === PROTOCOL_AH && authentication.type === "none") continue;
      const key = `${device} ${family} ${protocol}`;
      const need = sockets.get(key) ?? { device, family, protocol, groups: [], ids: new Set() };
      sockets.set(key, need);
      need.ids.add(id);
      if (transport.type === "multicast" && !need.groups.includes(transport.group))
        need.groups.push(transport.group);
    }
  }
  return sockets.values();
}

/** Where an advertisement says whose it is, if it is one. */
function virtualRouterIdOf(arrival: Arrival): number {
  if (arrival.family === "ipv6") return arrival.payload[1] ?? 0;
  const { bytes } = arrival;
  const header = ((bytes[0] ?? 0) & 0x0f) * 4;
  return bytes[header + (bytes[9] === PROTOCOL_AH ? AH_OCTETS : 0) + 1] ?? 0;
}
