/**
 * Pings (icmp(7), ipv6(7)): echo requests by raw sockets, one for each family, which all pings share. What arrives there
 * may be meant for any other program, or be forged: a reply counts when it comes from the address that was asked, with
 * the identifier, the sequence and the random data of the request; an error when it quotes that request.
 */
import { randomBytes } from "node:crypto";
import type { AddressFamily, IpAddress } from "../packet/address.ts";
import { familyOf, parseAddress } from "../packet/address.ts";
import type { IcmpMessage } from "../packet/icmp.ts";
import { emitEchoRequest, ICMP_HEADER_OCTETS, ICMP_TYPES, parseIcmp } from "../packet/icmp.ts";
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6 } from "../packet/ip.ts";
import { parseIpv4Packet } from "../packet/ipv4.ts";
import type { RawSocket } from "./open-raw-socket.ts";
import { openRawSocket } from "./open-raw-socket.ts";
import type { ReceivedMessage } from "./received-message.ts";
import { createMessageReceiver } from "./received-message.ts";

const IPPROTO_IPV6 = 41;
const SOL_RAW = 255;
const ICMP_FILTER = 1;
const ICMP6_FILTER = 1;
const IPV6_RECVPKTINFO = 49;
const IPV6_RECVHOPLIMIT = 51;
const PACKET_OCTETS_MAX = 2048;
const PACKETS_PER_TURN = 16;
const PINGS_AT_ONCE_MAX = 64;

export interface PingRequest {
  readonly address: string;
  /** Octets of data. */
  readonly size: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface PingAnswer {
  readonly address: string;
  /** Time to live, or hop limit, of the reply. */
  readonly ttl: number;
  readonly timeMs: number;
}

export interface Pinger {
  /** @throws Error that says why there is no answer. */
  ping(request: PingRequest): Promise<PingAnswer>;
  close(): void;
}

interface Waiting {
  readonly address: IpAddress;
  readonly message: Uint8Array;
  readonly sentAtMs: number;
  readonly answered: (answer: PingAnswer) => void;
  readonly failed: (reason: string) => void;
}

/** Opens its sockets when they are needed for the first time. */
export function createPinger(): Pinger {
  /** By identifier and sequence. */
  const waiting = new Map<number, Waiting>();
  const sockets = new Map<AddressFamily, RawSocket>();

  function socketOf(family: AddressFamily): RawSocket {
    const present = sockets.get(family);
    if (present !== undefined) return present;
    const opened = openEchoSocket(family, receive, (reason) => {
      // raw-socket has closed it; the next ping opens another one.
      sockets.delete(family);
      for (const ping of waiting.values())
        if (familyOf(ping.address) === family) ping.failed(reason);
    });
    sockets.set(family, opened);
    return opened;
  }

  function receive(from: IpAddress, hopLimit: number, message: IcmpMessage): void {
    const ping = waiting.get(message.key);
    if (ping === undefined) return;
    if (message.type === "reply") {
      if (from !== ping.address || !equal(message.data, ping.message.subarray(ICMP_HEADER_OCTETS)))
        return;
      const timeMs = Math.round((performance.now() - ping.sentAtMs) * 1000) / 1000;
      return ping.answered({ address: from, ttl: hopLimit, timeMs });
    }
    // Type, code and checksum aside, it must begin as what was sent.
    const quoted = message.request.subarray(4, ping.message.length);
    if (
      message.destination !== ping.address ||
      !equal(quoted, ping.message.subarray(4, 4 + quoted.length))
    )
      return;
    ping.failed(
      message.type === "unreachable"
        ? `host unreachable, says ${from}`
        : `host unreachable: the time to live ended on the way, says ${from}`,
    );
  }

  function unusedKey(): number {
    for (;;) {
      const key = randomBytes(4).readUInt32BE();
      if (!waiting.has(key)) return key;
    }
  }

  return {
    async ping({ address: text, size, timeoutMs, signal }) {
      const address = parseAddress(text);
      if (address === undefined)
        throw new Error(`found ${JSON.stringify(text)}, expected an address`);
      if (waiting.size >= PINGS_AT_ONCE_MAX)
        throw new Error(`more than ${PINGS_AT_ONCE_MAX} pings at a time`);
      signal.throwIfAborted();
      const family = familyOf(address);
      const { socket } = socketOf(family);
      const key = unusedKey();
      const message = emitEchoRequest(family, key, randomBytes(size));
      return new Promise<PingAnswer>((resolve, reject) => {
        const failed = (reason: string): void => {
          settled();
          reject(new Error(reason));
        };
        const givenUp = (): void => failed("it was given up");
        const timer = setTimeout(() => failed(`no answer within ${timeoutMs} ms`), timeoutMs);
        const settled = (): void => {
          waiting.delete(key);
          clearTimeout(timer);
          signal.removeEventListener("abort", givenUp);
        };
        signal.addEventListener("abort", givenUp);
        const answered = (answer: PingAnswer): void => {
          settled();
          resolve(answer);
        };
        waiting.set(key, { address, message, sentAtMs: performance.now(), answered, failed });
        try {
          socket.wrap.send(Buffer.from(message), 0, message.length, address, () => undefined);
        } catch (error) {
          failed(`host unreachable: ${error instanceof Error ? error.message : String(error)}`);
        }
      });
    },
    close() {
      for (const ping of waiting.values()) ping.failed("it was given up");
      for (const { socket } of sockets.values()) socket.close();
      sockets.clear();
    },
  };
}

/** A socket that receives replies and errors alone. @throws Error when the kernel refuses. */
function openEchoSocket(
  family: AddressFamily,
  onMessage: (from: IpAddress, hopLimit: number, message: IcmpMessage) => void,
  onError: (reason: string) => void,
): RawSocket {
  const protocol = family === "ipv4" ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
  let opened: RawSocket;
  try {
    opened = openRawSocket(family, protocol, PACKET_OCTETS_MAX);
  } catch (error) {
    throw new Error(
      `the daemon gets no raw socket: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
  const { socket, descriptor } = opened;
  const filter = blockAllBut(family);
  if (family === "ipv4") socket.setOption(SOL_RAW, ICMP_FILTER, filter, filter.length);
  else {
    socket.setOption(PROTOCOL_ICMPV6, ICMP6_FILTER, filter, filter.length);
    socket.setOption(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    socket.setOption(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
  }
  const read = ({ bytes, ipv6 }: ReceivedMessage): void => {
    const packet = ipv6 === undefined ? parseIpv4Packet(bytes) : undefined;
    if (packet?.ok === false) return;
    const from = packet?.value.source ?? ipv6?.source;
    const hopLimit = packet?.value.hopLimit ?? ipv6?.hopLimit;
    const message = parseIcmp(family, packet?.value.payload ?? bytes);
    if (from !== undefined && hopLimit !== undefined && message !== undefined)
      onMessage(from, hopLimit, message);
  };
  const receiver = createMessageReceiver(family, PACKETS_PER_TURN, PACKET_OCTETS_MAX);
  // raw-socket's own reader shares one buffer among all packets and shows no hop limit.
  socket.wrap.removeAllListeners("recvReady");
  socket.wrap.on("recvReady", () => void receiver.receive(descriptor, read));
  socket.on("error", (error: Error) => onError(error.message));
  return opened;
}

/** A bit for each type, set where the kernel is to keep it back: 32 of ICMP, 256 of ICMPv6 (RFC 3542 section 3.2). */
function blockAllBut(family: AddressFamily): Buffer {
  const { reply, unreachable, timeExceeded } = ICMP_TYPES[family];
  const filter = Buffer.alloc(family === "ipv4" ? 4 : 32, 0xff);
  for (const type of [reply, unreachable, timeExceeded]) {
    const octet = type >>> 3;
    filter[octet] = (filter[octet] ?? 0) & ~(1 << (type & 7));
  }
  return filter;
}

function equal(some: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(some, other) === 0;
}
