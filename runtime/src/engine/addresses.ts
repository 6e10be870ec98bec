/**
 * Which addresses of this host are ours to give and take. An address that was there before karuntime is foreign and is
 * left alone. A record on disk names the others, so that what a killed run left behind is known at the next start.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { InterfaceAddress } from "../linux/address.ts";
import type { Ipv4Address } from "../packet/address.ts";
import { parseIpv4 } from "../packet/address.ts";
import type { VirtualRouterConfig } from "../vrrp/types.ts";

export interface OwnedAddress {
  readonly interface: string;
  readonly address: Ipv4Address;
  readonly prefixLength: number;
}

/** What an earlier run recorded; nothing where it ended cleanly or the file cannot be read. */
export function readRecord(file: string): readonly OwnedAddress[] {
  try {
    const value: unknown = JSON.parse(readFileSync(file, "utf8"));
    return Array.isArray(value) ? value.flatMap((entry) => parseOwned(entry) ?? []) : [];
  } catch {
    return [];
  }
}

/** Written before the first address is added; replaced as a whole, so that a crash leaves the old one or the new one. */
export function writeRecord(file: string, addresses: readonly OwnedAddress[]): void {
  writeFileSync(`${file}.new`, JSON.stringify(addresses), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

export function removeRecord(file: string): void {
  rmSync(file, { force: true });
}

/** Every configured address, with its interface. */
export function configuredAddresses(
  virtualRouters: readonly VirtualRouterConfig[],
): OwnedAddress[] {
  return virtualRouters.flatMap((router) =>
    router.addresses.map((entry) => ({ interface: router.interface, ...entry })),
  );
}

/**
 * The address to send from: the interface's first one that does not move. An address owner may have no other than the
 * one that it owns.
 */
export function sourceAddress(
  present: readonly InterfaceAddress[],
  virtual: ReadonlySet<string>,
  held: ReadonlySet<string>,
): Ipv4Address | undefined {
  const own =
    present.find((entry) => !virtual.has(entry.address)) ??
    present.find((entry) => !held.has(entry.address));
  return own?.address;
}

function parseOwned(entry: unknown): OwnedAddress | undefined {
  if (typeof entry !== "object" || entry === null) return undefined;
  const { interface: name, address, prefixLength } = entry as Readonly<Record<string, unknown>>;
  const parsed = typeof address === "string" ? parseIpv4(address) : undefined;
  return typeof name === "string" && parsed !== undefined && typeof prefixLength === "number"
    ? { interface: name, address: parsed, prefixLength }
    : undefined;
}
