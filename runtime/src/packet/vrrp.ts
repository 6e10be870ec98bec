/** Placeholder for the contract; replaced by the packet room. */
import type { Ipv4Address } from "./address.ts";

/** A VRRP version 2 advertisement (RFC 3768 section 5.1; the authentication octets of RFC 2338). */
export interface Advertisement {
  readonly version: 2;
  readonly virtualRouterId: number;
  readonly priority: number;
  readonly advertIntervalMs: number;
  readonly authentication:
    | { readonly type: "none" }
    | { readonly type: "PASS"; readonly password: readonly number[] };
  readonly addresses: readonly Ipv4Address[];
}

/** Why a packet is no advertisement; each is a counter. */
export type PacketDropReason =
  | "too short"
  | "ttl not 255"
  | "unsupported version"
  | "unknown type"
  | "invalid virtual router id"
  | "no address"
  | "length mismatch"
  | "invalid interval"
  | "unknown authentication type"
  | "bad checksum";
