/** Whether an advertisement is for this virtual router and may be believed (RFC 9568 section 7.1, RFC 3768 section 7.1). */
import type { IpAddress } from "../packet/address.ts";
import { isMulticast } from "../packet/address.ts";
import type { IpPacket } from "../packet/ip.ts";
import { PROTOCOL_AH } from "../packet/ip.ts";
import type { ReceivedAdvertisement } from "../packet/vrrp.ts";
import { VRRP_HOP_LIMIT } from "../packet/vrrp.ts";
import type { AuthenticationMemory, Digests } from "./authentication.ts";
import { authenticate } from "./authentication.ts";
import type { VirtualRouterConfig } from "./config.ts";
import { OWNER_PRIORITY } from "./priority.ts";
import type { AdmissionDropReason } from "./types.ts";

export type Admission =
  | {
      readonly ok: true;
      /** What differs without making a master unbelievable. */
      readonly addressesDiffer: boolean;
      readonly intervalDiffers: boolean;
    }
  | { readonly ok: false; readonly reason: AdmissionDropReason };

export interface AdmissionContext {
  readonly config: VirtualRouterConfig;
  readonly memory: AuthenticationMemory;
  readonly digests: Digests;
  readonly unixMs: number;
}

export function admit(
  context: AdmissionContext,
  packet: IpPacket,
  received: ReceivedAdvertisement,
): Admission {
  const { config } = context;
  const { advertisement } = received;
  const reason = reasonAgainst(context, packet, received);
  if (reason !== undefined) return { ok: false, reason };
  const addressesDiffer = !sameAddresses(advertisement.addresses, config);
  if (addressesDiffer && config.onAddressMismatch === "drop")
    return { ok: false, reason: "address list mismatch" };
  const intervalDiffers = advertisement.advertIntervalMs !== config.advertIntervalMs;
  return { ok: true, addressesDiffer, intervalDiffers };
}

/** Cheap checks first; the digests, and what they remember, last. */
function reasonAgainst(
  { config, memory, digests, unixMs }: AdmissionContext,
  packet: IpPacket,
  received: ReceivedAdvertisement,
): AdmissionDropReason | undefined {
  const { advertisement } = received;
  const stray = reasonAgainstPath(config, packet);
  if (stray !== undefined) return stray;
  if (advertisement.version !== config.version) return "version mismatch";
  const authenticated = packet.protocol === PROTOCOL_AH;
  if (authenticated !== (config.authentication.type === "AH"))
    return authenticated ? "authentication type mismatch" : "authentication header missing";
  if (advertisement.version === 2 && advertisement.advertIntervalMs !== config.advertIntervalMs)
    return "advertisement interval mismatch";
  const distrust = authenticate(config, packet, received, memory, digests, unixMs);
  if (distrust !== undefined) return distrust;
  // Last: also an owner that listens to nobody learns from a good header which sequence number the others are at.
  return config.ownerIgnoresAdvertisements && config.priority === OWNER_PRIORITY
    ? "owner ignores advertisements"
    : undefined;
}

function reasonAgainstPath(
  { transport }: VirtualRouterConfig,
  packet: IpPacket,
): AdmissionDropReason | undefined {
  if (transport.type === "multicast") {
    if (packet.destination !== transport.group) return "not sent to the group";
    return packet.hopLimit === VRRP_HOP_LIMIT ? undefined : "ttl not 255";
  }
  if (isMulticast(packet.destination)) return "not sent to the group";
  const peer = transport.peers.find((entry) => entry.address === packet.source);
  if (peer === undefined) return transport.onlyPeers ? "not from a peer" : undefined;
  const { minimumTtl, maximumTtl } = peer;
  return packet.hopLimit >= minimumTtl && packet.hopLimit <= maximumTtl
    ? undefined
    : "ttl out of the peer's range";
}

function sameAddresses(addresses: readonly IpAddress[], config: VirtualRouterConfig): boolean {
  return (
    addresses.length === config.addresses.length &&
    config.addresses.every((entry) => addresses.includes(entry.address))
  );
}
