/** Whether an advertisement is for this virtual router and may be believed (RFC 3768 section 7.1). */
import type { Ipv4Address } from "../packet/address.ts";
import type { Advertisement } from "../packet/vrrp.ts";
import type { AdmissionDropReason, VirtualRouterConfig } from "./types.ts";

export type Admission =
  | {
      readonly ok: true;
      /** The lists differ: worth a warning, no reason to disbelieve a master. */ readonly addressesDiffer: boolean;
    }
  | { readonly ok: false; readonly reason: AdmissionDropReason };

/** @param ownAddress the address that this host sends from: what comes from there is our own. */
export function admit(
  config: VirtualRouterConfig,
  advertisement: Advertisement,
  source: Ipv4Address,
  ownAddress: Ipv4Address | undefined,
): Admission {
  if (source === ownAddress) return { ok: false, reason: "own advertisement" };
  if (advertisement.version !== config.version) return { ok: false, reason: "version mismatch" };
  if (advertisement.authentication.type !== config.authentication.type)
    return { ok: false, reason: "authentication type mismatch" };
  if (
    advertisement.authentication.type === "PASS" &&
    config.authentication.type === "PASS" &&
    !samePassword(advertisement.authentication.password, config.authentication.password)
  ) {
    return { ok: false, reason: "password mismatch" };
  }
  if (advertisement.advertIntervalMs !== config.advertIntervalMs)
    return { ok: false, reason: "advertisement interval mismatch" };
  return { ok: true, addressesDiffer: !sameAddresses(advertisement.addresses, config) };
}

/** Takes the same time wherever the difference is. */
function samePassword(a: readonly number[], b: readonly number[]): boolean {
  let difference = a.length ^ b.length;
  for (let index = 0; index < Math.max(a.length, b.length); index++)
    difference |= (a[index] ?? 0) ^ (b[index] ?? 0);
  return difference === 0;
}

function sameAddresses(addresses: readonly Ipv4Address[], config: VirtualRouterConfig): boolean {
  return (
    addresses.length === config.addresses.length &&
    config.addresses.every((entry) => addresses.includes(entry.address))
  );
}
