/**
 * The engine: gives events to the virtual routers and performs their effects. One timer is armed, for the earliest
 * deadline of all. Effects are performed in order and at once; what fails comes back as an event.
 */
import { createHmac } from "node:crypto";
import type { Debounce } from "../debounce.ts";
import { debounce } from "../debounce.ts";
import { addedAddress } from "../linux/address.ts";
import type { NetlinkMessage, NetlinkSocket } from "../linux/netlink.ts";
import type { VipFilter } from "../linux/nftables.ts";
import { openVipFilter } from "../linux/nftables.ts";
import type { PacketSocket } from "../linux/packet-socket.ts";
import type { Timer } from "../linux/timer.ts";
import { createTimer } from "../linux/timer.ts";
import type { Digests } from "../vrrp/authentication.ts";
import type { Tracker, VirtualRouterConfig } from "../vrrp/config.ts";
import type { Arrival, Member, Outcome } from "../vrrp/router-set.ts";
import { RouterSet } from "../vrrp/router-set.ts";
import type { LinkState, TrackerState, VirtualRouterEvent } from "../vrrp/types.ts";
import { Announcer } from "./announcer.ts";
import type { PlacedAddress } from "./holdings.ts";
import { Holdings } from "./holdings.ts";
import type { Network } from "./network.ts";
import { linkStateOf, readNetwork } from "./network.ts";
import { EngineLog } from "./log.ts";
import { Performer, isFiltered, placedAddresses } from "./perform.ts";
import { Port } from "./port.ts";
import type { EngineStatus, EngineToDaemon, StaticHoldings } from "./protocol.ts";
import { describeMember, describePeer } from "./report.ts";
import { VirtualMacs } from "./virtual-mac.ts";

/** Changes of the network come in bursts; the state is asked for once for all of them. */
const RESYNC_MS = 5;
/** Also without a change being reported: the report may have been lost. */
const RESYNC_IDLE_MS = 10_000;

export interface EngineOptions {
  readonly netlink: NetlinkSocket;
  readonly packets: PacketSocket;
  /** Where the record of what is ours is kept. */
  readonly record: string;
  readonly send: (message: EngineToDaemon) => void;
}

const digests: Digests = {
  hmacMd5: (key, bytes) => createHmac("md5", key).update(bytes).digest(),
  hmacSha256: (key, bytes) => createHmac("sha256", key).update(bytes).digest(),
};

export class Engine {
  readonly #options: EngineOptions;
  readonly #ports = new Map<string, Port>();
  readonly #log: EngineLog;
  readonly #holdings: Holdings;
  readonly #announcer: Announcer;
  readonly #timer: Timer = createTimer(() => this.#tick());
  /** By virtual router and tracker. */
  readonly #gates = new Map<Member, Map<string, Debounce<"up" | "down">>>();
  readonly #lateness = { lastMs: 0, maxMs: 0 };
  #set = new RouterSet([], digests);
  #static: StaticHoldings = { addresses: [], routes: [], rules: [] };
  #virtualMacs: VirtualMacs | undefined;
  #performer: Performer | undefined;
  #closeFilter: () => void = () => undefined;
  #network: Network = { links: new Map(), addresses: [] };
  #resyncSoon: NodeJS.Timeout | undefined;
  #resyncLater: NodeJS.Timeout | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#log = new EngineLog(options.send);
    const { netlink, record, packets } = options;
    this.#holdings = new Holdings({
      netlink,
      record,
      log: (level, message) => this.#log.say(level, message),
    });
    this.#announcer = new Announcer(packets, (message) =>
      this.#log.saySometimes("error", message, message),
    );
  }

  /** Takes up the virtual routers of this host. Called once. */
  configure(configs: readonly VirtualRouterConfig[], holdings: StaticHoldings): void {
    this.#set = new RouterSet(configs, digests);
    this.#static = holdings;
    for (const name of new Set(configs.map((config) => config.interface))) {
      const port = new Port({
        name,
        configs: configs.filter((config) => config.interface === name),
        onArrival: (arrival) => this.#receive(name, arrival),
        onError: (message) => this.#log.saySometimes("error", message, message),
      });
      this.#ports.set(name, port);
    }
    this.#holdings.begin({
      addresses: [...configs.flatMap(placedAddresses), ...holdings.addresses],
      routes: [...configs.flatMap((config) => config.routes), ...holdings.routes],
      rules: [...configs.flatMap((config) => config.rules), ...holdings.rules],
    });
    this.#virtualMacs = new VirtualMacs(configs, this.#options.netlink, (level, message) =>
      this.#log.say(level, message),
    );
    const filter = this.#openFilter(configs);
    this.#closeFilter = () => filter?.close();
    this.#performer = new Performer({
      holdings: this.#holdings,
      announcer: this.#announcer,
      filter,
      digests,
      log: this.#log,
      network: () => this.#network,
      portOf: (config) => this.#ports.get(config.interface),
      send: this.#options.send,
    });
    this.#resync();
    for (const route of holdings.routes) this.#holdings.putRoute(route);
    for (const rule of holdings.rules) this.#holdings.putRule(rule);
    for (const member of this.#set.members.values()) this.#give(member, { type: "start" });
    this.#arm();
  }

  setTracker(name: string, state: TrackerState): void {
    for (const member of this.#set.members.values()) {
      if (member.router.config.trackers.some((tracker) => tracker.name === name))
        this.#give(member, { type: "tracker", name, state });
    }
    this.#arm();
  }

  /** The kernel reports a change. What we did ourselves is no news. */
  networkChanged(message: NetlinkMessage): void {
    const added = addedAddress(message);
    if (added !== undefined && this.#holdings.holdsAnywhere(added)) return;
    this.#resyncSoon ??= setTimeout(() => this.#resync(), RESYNC_MS);
  }

  /** Resigns everywhere: nothing of ours is left in the kernel. */
  shutdown(): void {
    this.#timer.close();
    clearTimeout(this.#resyncSoon);
    clearTimeout(this.#resyncLater);
    for (const gates of this.#gates.values()) for (const gate of gates.values()) gate.close();
    for (const member of this.#set.members.values()) this.#give(member, { type: "shutdown" });
    for (const rule of this.#static.rules.toReversed()) this.#holdings.removeRule(rule);
    for (const route of this.#static.routes.toReversed()) this.#holdings.removeRoute(route);
    for (const entry of this.#static.addresses.toReversed()) this.#holdings.remove(entry);
    for (const port of this.#ports.values()) port.close();
    this.#virtualMacs?.close(this.#network);
    this.#closeFilter();
    this.#holdings.end();
  }

  status(): Pick<EngineStatus, "virtualRouters" | "drops" | "lateness"> {
    const now = performance.now();
    const performer = this.#performer;
    return {
      virtualRouters: [...this.#set.members.values()].flatMap((member) =>
        performer === undefined
          ? []
          : describeMember(member, performer.countedOf(member), this.#holdings, now),
      ),
      drops: Object.fromEntries(this.#set.drops),
      lateness: this.#lateness,
    };
  }

  #receive(interfaceName: string, arrival: Arrival): void {
    const clock = { nowMs: performance.now(), unixMs: Date.now() };
    const result = this.#set.receive(interfaceName, arrival, clock);
    const { member, news } = result;
    if (member !== undefined && news !== undefined) {
      const { name } = member.router.config;
      const remark = describePeer(member, news);
      if (remark !== undefined)
        this.#log.saySometimes("warn", `peer ${name}`, `${name}: ${remark}`, {
          virtualRouter: name,
        });
    }
    if (result.ok) {
      this.#performAll(result.outcomes);
      this.#arm();
    } else if (result.reason !== "own advertisement") {
      const { reason, source } = result;
      this.#log.saySometimes(
        "warn",
        reason,
        () => `dropped a packet from ${source ?? "somewhere"} on ${interfaceName}: ${reason}`,
        { reason, ...(member === undefined ? {} : { virtualRouter: member.router.config.name }) },
      );
    }
  }

  #give(member: Member, event: VirtualRouterEvent): void {
    this.#performAll(this.#set.dispatch(member, event, performance.now()));
  }

  #performAll(outcomes: readonly Outcome[]): void {
    for (const { member, effects } of outcomes) {
      let failure: VirtualRouterEvent | undefined;
      for (const effect of effects) {
        const result = this.#performer?.perform(member, effect);
        failure ??= result;
      }
      if (failure !== undefined) this.#give(member, failure);
    }
  }

  /** Asks the kernel for interfaces and addresses and tells the virtual routers what is new. */
  #resync(): void {
    clearTimeout(this.#resyncSoon);
    clearTimeout(this.#resyncLater);
    this.#resyncSoon = undefined;
    this.#resyncLater = setTimeout(() => this.#resync(), RESYNC_IDLE_MS);
    const { netlink } = this.#options;
    this.#network = readNetwork(netlink);
    if (this.#virtualMacs?.ensure(this.#network) === true) this.#network = readNetwork(netlink);
    const lost = this.#holdings.refresh(this.#network);
    for (const entry of this.#static.addresses) {
      if (this.#holdings.holds(entry) || !this.#network.links.has(entry.device)) continue;
      const reason = this.#holdings.put(entry, undefined);
      if (reason !== undefined)
        this.#log.saySometimes(
          "error",
          `static ${entry.address}`,
          `${entry.address} on ${entry.device}: ${reason}`,
        );
    }
    for (const port of this.#ports.values()) port.refresh(this.#network);
    for (const member of this.#set.members.values()) this.#tellSurroundings(member, lost);
    this.#arm();
  }

  #tellSurroundings(member: Member, lost: readonly PlacedAddress[]): void {
    const { config } = member.router;
    for (const tracker of config.trackers) {
      if (tracker.kind !== "interface") continue;
      const device = tracker.name.slice("interface ".length);
      const up = this.#network.links.get(device)?.up === true;
      this.#gateOf(member, tracker).set(up ? "up" : "down");
    }
    const link = this.#linkOf(config);
    if (!sameLink(member.router.link, link)) this.#give(member, { type: "link", link });
    const gone = placedAddresses(config).find((entry) =>
      lost.some(({ device, address }) => device === entry.device && address === entry.address),
    );
    if (gone !== undefined) this.#give(member, { type: "address-lost", address: gone.address });
  }

  /** What a tracked interface has to pass before it counts for this virtual router. */
  #gateOf(member: Member, tracker: Tracker): Debounce<"up" | "down"> {
    const { name, riseDelayMs = 0, fallDelayMs = 0 } = tracker;
    const gates = this.#gates.get(member) ?? new Map<string, Debounce<"up" | "down">>();
    this.#gates.set(member, gates);
    const known = gates.get(name);
    if (known !== undefined) return known;
    const gate = debounce<"up" | "down">(
      (state) => (state === "up" ? riseDelayMs : fallDelayMs),
      (state) => {
        this.#give(member, { type: "tracker", name, state });
        this.#arm();
      },
    );
    gates.set(name, gate);
    return gate;
  }

  #linkOf(config: VirtualRouterConfig): LinkState {
    const { virtualMac } = config;
    if (virtualMac !== undefined && this.#virtualMacs?.owns(virtualMac.interface) !== true)
      return { type: "missing" };
    const link = linkStateOf(config, this.#network, (address) => this.#holdings.moves(address));
    // Who cannot advertise must not be master; the next look at the interface tries again.
    const serves = this.#ports.get(config.interface)?.serves(config) === true;
    return link.type === "up" && !serves ? { type: "up", source: undefined } : link;
  }

  #openFilter(configs: readonly VirtualRouterConfig[]): VipFilter | undefined {
    if (!configs.some(isFiltered)) return undefined;
    try {
      return openVipFilter();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#log.say(
        "error",
        `packets to the virtual addresses are accepted although accept is false: ${reason}`,
      );
      return undefined;
    }
  }

  #arm(): void {
    const never = Number.POSITIVE_INFINITY;
    const deadline = Math.min(
      this.#set.nextDeadlineMs() ?? never,
      this.#announcer.nextDeadlineMs() ?? never,
    );
    if (deadline === never) this.#timer.disarm();
    else this.#timer.arm(deadline - performance.now());
  }

  #tick(): void {
    const now = performance.now();
    const lateMs = Math.max(0, now - (this.#set.nextDeadlineMs() ?? now));
    this.#lateness.lastMs = lateMs;
    this.#lateness.maxMs = Math.max(this.#lateness.maxMs, lateMs);
    this.#announcer.tick(now);
    this.#performAll(this.#set.tick(now));
    this.#arm();
  }
}

function sameLink(a: LinkState, b: LinkState): boolean {
  return a.type === b.type && (a.type !== "up" || b.type !== "up" || a.source === b.source);
}
