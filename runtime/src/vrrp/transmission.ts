/** The IP packets that one advertisement becomes: to the group or to every peer, authenticated as configured. */
import type { IpAddress, Ipv4Address, Ipv6Address } from "../packet/address.ts";
import { CLASS_CONTROL, PROTOCOL_AH, PROTOCOL_VRRP } from "../packet/ip.ts";
import { AH_OCTETS } from "../packet/ah.ts";
import { emitIpv4Header } from "../packet/ipv4.ts";
import { emitIpv6Header } from "../packet/ipv6.ts";
import type { Advertisement } from "../packet/vrrp.ts";
import { encodeAdvertisement, sealAdvertisement } from "../packet/vrrp.ts";
import type { AuthenticationMemory, Digests } from "./authentication.ts";
import { signAh, signHmac } from "./authentication.ts";
import type { VirtualRouterConfig } from "./config.ts";

export interface OutgoingPacket {
  readonly destination: IpAddress;
  /** The whole packet, its IP header first. */
  readonly bytes: Uint8Array;
}

/** What sending needs to remember, of one virtual router. */
export interface TransmissionMemory {
  readonly authentication: AuthenticationMemory;
  /** The last IPv4 identification; an authentication header covers it, so it is ours to choose. */
  identification: number;
}

/** @param unixMs the wall clock, which a signature carries. */
export function packetsFor(
  config: VirtualRouterConfig,
  advertisement: Advertisement,
  source: IpAddress,
  memory: TransmissionMemory,
  digests: Digests,
  unixMs: number,
): readonly OutgoingPacket[] {
  const { transport, authentication, family, checksumStyle } = config;
  const encoded = encodeAdvertisement(advertisement);
  // One signature serves all peers.
  const trailer =
    authentication.type === "HMAC"
      ? signHmac(authentication, source, encoded, memory.authentication, digests, unixMs)
      : undefined;
  const destinations =
    transport.type === "multicast"
      ? [transport.group]
      : transport.peers.map((peer) => peer.address);
  return destinations.map((destination) => {
    const path = { family, source, destination, checksumStyle };
    const payload = sealAdvertisement(encoded, path, trailer);
    const bytes =
      family === "ipv6"
        ? inIpv6(source as Ipv6Address, destination as Ipv6Address, transport.ttl, payload)
        : inIpv4(
            config,
            source as Ipv4Address,
            destination as Ipv4Address,
            payload,
            memory,
            digests,
          );
    return { destination, bytes };
  });
}

function inIpv4(
  { transport, authentication }: VirtualRouterConfig,
  source: Ipv4Address,
  destination: Ipv4Address,
  payload: Uint8Array,
  memory: TransmissionMemory,
  digests: Digests,
): Uint8Array {
  memory.identification = (memory.identification % 0xffff) + 1;
  const authenticated = authentication.type === "AH";
  const header = emitIpv4Header({
    source,
    destination,
    ttl: transport.ttl,
    protocol: authenticated ? PROTOCOL_AH : PROTOCOL_VRRP,
    identification: memory.identification,
    payloadOctets: payload.length + (authenticated ? AH_OCTETS : 0),
  });
  const body = authenticated
    ? signAh(
        authentication.password,
        source,
        header,
        payload,
        transport.type === "unicast",
        memory.authentication,
        digests,
      )
    : payload;
  return joined(header, body);
}

function inIpv6(
  source: Ipv6Address,
  destination: Ipv6Address,
  hopLimit: number,
  payload: Uint8Array,
): Uint8Array {
  const header = emitIpv6Header({
    source,
    destination,
    hopLimit,
    nextHeader: PROTOCOL_VRRP,
    trafficClass: CLASS_CONTROL,
    payloadOctets: payload.length,
  });
  return joined(header, payload);
}

function joined(header: Uint8Array, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(header.length + body.length);
  bytes.set(header);
  bytes.set(body, header.length);
  return bytes;
}
