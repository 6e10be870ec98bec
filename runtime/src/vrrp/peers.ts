/** Who else advertises on a virtual router's id, what it says and what was made of it: how two masters are told apart. */
import type { IpAddress } from "../packet/address.ts";
import type { Advertisement } from "../packet/vrrp.ts";

/** The least recently heard is forgotten: anybody can send from any address. */
const PEERS_MAX = 16;

export interface Peer {
  readonly address: IpAddress;
  readonly priority: number;
  readonly advertIntervalMs: number;
  readonly addresses: readonly IpAddress[];
  /** `accepted`, or why its last advertisement was dropped. */
  readonly verdict: string;
  /** Accepted, although these are not ours. */
  readonly addressesDiffer: boolean;
  readonly intervalDiffers: boolean;
  readonly heardAtMs: number;
  readonly advertisements: number;
}

export type Peers = Map<IpAddress, Peer>;

/** @returns the peer when something about it is news: it is new, or is judged otherwise than before. */
export function notePeer(
  peers: Peers,
  address: IpAddress,
  { priority, advertIntervalMs, addresses }: Advertisement,
  judged: Pick<Peer, "verdict" | "addressesDiffer" | "intervalDiffers">,
  nowMs: number,
): Peer | undefined {
  const before = peers.get(address);
  const peer: Peer = {
    address,
    priority,
    advertIntervalMs,
    addresses,
    ...judged,
    heardAtMs: nowMs,
    advertisements: (before?.advertisements ?? 0) + 1,
  };
  peers.delete(address);
  peers.set(address, peer);
  const [oldest] = peers.keys();
  if (peers.size > PEERS_MAX && oldest !== undefined) peers.delete(oldest);
  const same =
    before?.verdict === peer.verdict &&
    before.addressesDiffer === peer.addressesDiffer &&
    before.intervalDiffers === peer.intervalDiffers;
  return same ? undefined : peer;
}
