/** What goes over a host's interface, or over the switch, as it happens: tcpdump inside, typed packets outside. */
import { fileURLToPath } from "node:url";
import type {
  AdvertisementPacket,
  ArpPacket,
  NeighbourAdvertisementPacket,
  Packet,
} from "./frame.ts";
import { decodeFrame } from "./frame.ts";
import type { Host } from "./host.ts";
import { createPcapReader } from "./pcap.ts";
import { inUserNamespace } from "./privileges.ts";
import { now, waitFor } from "./time.ts";

/** Packets kept; a capture that sees more is not what this is for. */
const PACKETS_MAX = 200_000;
const START_MS_MAX = 10_000;
/** VRRP over IPv4 and IPv6, bare or behind an authentication header, ARP, neighbour advertisements. */
const VRRP_AND_ANNOUNCEMENTS = [
  "ip proto 112",
  "ip proto 51",
  "ip6 proto 112",
  "ip6 proto 51",
  "arp",
  "(icmp6 and ip6[40] == 136)",
].join(" or ");

export interface CaptureOptions {
  /** Default: the host's interface on the switch. */
  readonly interface?: string;
  /** pcap-filter(7). Default, and in a user namespace always: VRRP, ARP and neighbour advertisements. */
  readonly filter?: string;
  readonly onPacket?: (packet: Packet) => void;
}

export interface Capture {
  /** In the order of the wire. */
  readonly packets: readonly Packet[];
  /** From `fromMs` on (of `now()`; default all), and of this source address if given. */
  advertisements(fromMs?: number, source?: string): AdvertisementPacket[];
  gratuitousArps(fromMs?: number, address?: string): ArpPacket[];
  /** Also answers to somebody's question: `flags.solicited` tells. */
  neighbourAdvertisements(fromMs?: number, target?: string): NeighbourAdvertisementPacket[];
  /** Ends the capture once what is on its way has arrived. */
  stop(): Promise<void>;
}

/** Resolves when the capture runs: what is sent from then on is seen. */
export async function startCapture(host: Host, options: CaptureOptions = {}): Promise<Capture> {
  const packets: Packet[] = [];
  const offsetMs = monotonicMinusWall();
  const read = createPcapReader((bytes, wallMs) => {
    const packet = decodeFrame(bytes, wallMs + offsetMs);
    if (packets.length === PACKETS_MAX) {
      throw new Error(`the capture on ${host.name} saw more than ${PACKETS_MAX} packets`);
    }
    packets.push(packet);
    options.onPacket?.(packet);
  });
  const interfaceName = options.interface ?? host.interface;
  const tcpdump = await host.spawn(
    inUserNamespace()
      ? [
          process.execPath,
          fileURLToPath(new URL("./capture-client.ts", import.meta.url)),
          interfaceName,
        ]
      : tcpdumpCommand(interfaceName, options.filter ?? VRRP_AND_ANNOUNCEMENTS),
    { onOutput: read, env: { NODE_OPTIONS: "" } },
  );
  await waitFor(
    `tcpdump to listen on ${host.name}`,
    () => {
      if (tcpdump.ending !== undefined) {
        throw new Error(`tcpdump on ${host.name} ended: ${tcpdump.output}`);
      }
      return tcpdump.output.includes("listening on");
    },
    START_MS_MAX,
  );

  return {
    packets,
    advertisements: (fromMs = -Infinity, source) =>
      packets.filter(
        (packet): packet is AdvertisementPacket =>
          packet.type === "advertisement" &&
          packet.atMs >= fromMs &&
          (source === undefined || packet.source === source),
      ),
    gratuitousArps: (fromMs = -Infinity, address) =>
      packets.filter(
        (packet): packet is ArpPacket =>
          packet.type === "arp" &&
          packet.gratuitous &&
          packet.atMs >= fromMs &&
          (address === undefined || packet.senderAddress === address),
      ),
    neighbourAdvertisements: (fromMs = -Infinity, target) =>
      packets.filter(
        (packet): packet is NeighbourAdvertisementPacket =>
          packet.type === "neighbour-advertisement" &&
          packet.atMs >= fromMs &&
          (target === undefined || packet.target === target),
      ),
    async stop() {
      tcpdump.kill("SIGTERM");
      await tcpdump.drained;
    },
  };
}

function tcpdumpCommand(interfaceName: string, filter: string): string[] {
  const atOnce = ["-U", "--immediate-mode", "--time-stamp-precision=nano"];
  return ["tcpdump", "-Z", "root", "-i", interfaceName, "-n", "-w", "-", ...atOnce, filter];
}

/** The kernel stamps frames by the wall clock. Read on a new millisecond, so that the difference is exact. */
function monotonicMinusWall(): number {
  const before = Date.now();
  let wall = before;
  while (wall === before) wall = Date.now();
  return now() - wall;
}
