/**
 * IP addresses as parsed values: canonical text that was checked once at the border, so that equal addresses are
 * equal strings and cross process boundaries as they are. IPv4 in dotted decimal, IPv6 as RFC 5952 writes it.
 */

declare const ipv4: unique symbol;
declare const ipv6: unique symbol;

/** An IPv4 address in dotted decimal, known to be valid and canonical. */
export type Ipv4Address = string & { readonly [ipv4]: true };
/** An IPv6 address as RFC 5952 section 4 writes it, known to be valid; never with a zone. */
export type Ipv6Address = string & { readonly [ipv6]: true };
export type IpAddress = Ipv4Address | Ipv6Address;

export type AddressFamily = "ipv4" | "ipv6";

const IPV4_OCTETS = 4;
const IPV6_OCTETS = 16;

/** Reads an address of either family. Returns undefined for anything else. */
export function parseAddress(text: string): IpAddress | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

/** Reads dotted decimal (four decimal numbers 0..255 without leading zeros). Returns undefined for anything else. */
export function parseIpv4(text: string): Ipv4Address | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  for (const part of parts)
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
  return text as Ipv4Address;
}

/** Reads any of the texts of RFC 4291 section 2.2, without a zone. Returns undefined for anything else. */
export function parseIpv6(text: string): Ipv6Address | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0] ?? "", halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1] ?? "", true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  // "::" stands for at least one group.
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...tail];
  return ipv6FromOctets(Uint8Array.from(groups.flatMap((group) => [group >>> 8, group & 0xff])));
}

export function familyOf(address: IpAddress): AddressFamily {
  return address.includes(":") ? "ipv6" : "ipv4";
}

/** Whether an IPv6 address is link-local: fe80::/10 (RFC 4291 section 2.5.6). */
export function isLinkLocal(address: IpAddress): boolean {
  return /^fe[89ab][0-9a-f]:/.test(address);
}

/** Whether it is a multicast group (RFC 5771; RFC 4291 section 2.7). */
export function isMulticast(address: IpAddress): boolean {
  const [first = 0] = octetsOf(address);
  return familyOf(address) === "ipv4" ? first >>> 4 === 0xe : first === 0xff;
}

/** The address in the octets of `bytes` from `offset` on; the caller has checked that they are there. */
export function addressFromOctets(family: AddressFamily, bytes: Uint8Array, offset = 0): IpAddress {
  return family === "ipv4" ? ipv4FromOctets(bytes, offset) : ipv6FromOctets(bytes, offset);
}

export function ipv4FromOctets(bytes: Uint8Array, offset = 0): Ipv4Address {
  return `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}` as Ipv4Address;
}

/** The longest run of two or more zero groups, the first of equals, becomes "::" (RFC 5952 section 4.2). */
export function ipv6FromOctets(bytes: Uint8Array, offset = 0): Ipv6Address {
  const groups = Array.from(
    { length: 8 },
    (_, index) => ((bytes[offset + 2 * index] ?? 0) << 8) | (bytes[offset + 2 * index + 1] ?? 0),
  );
  let best = { from: 8, length: 1 };
  for (let from = 0; from < 8; from++) {
    let length = 0;
    while (from + length < 8 && groups[from + length] === 0) length++;
    if (length > best.length) best = { from, length };
    from += length;
  }
  const hex = (list: readonly number[]): string =>
    list.map((group) => group.toString(16)).join(":");
  const text =
    best.from === 8
      ? hex(groups)
      : `${hex(groups.slice(0, best.from))}::${hex(groups.slice(best.from + best.length))}`;
  return text as Ipv6Address;
}

/** The 4 or 16 octets, in network order. */
export function octetsOf(address: IpAddress): Uint8Array {
  if (familyOf(address) === "ipv4") return Uint8Array.from(address.split("."), Number);
  const [head = "", tail = ""] = address.split("::");
  const octets = new Uint8Array(IPV6_OCTETS);
  const put = (groups: readonly string[], at: number): void =>
    groups.forEach((group, index) => {
      const value = Number.parseInt(group, 16);
      octets[at + 2 * index] = value >>> 8;
      octets[at + 2 * index + 1] = value & 0xff;
    });
  const split = (text: string): string[] => (text === "" ? [] : text.split(":"));
  put(split(head), 0);
  put(split(tail), IPV6_OCTETS - 2 * split(tail).length);
  return octets;
}

export function octetCount(family: AddressFamily): number {
  return family === "ipv4" ? IPV4_OCTETS : IPV6_OCTETS;
}

/** Negative, zero or positive as `a` is below, equal to or above `b`: unsigned, network order (RFC 9568 section 6.4.3). */
export function compareAddresses(a: IpAddress, b: IpAddress): number {
  const left = octetsOf(a);
  const right = octetsOf(b);
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Groups of one side of "::"; the last one may be an IPv4 address, which counts for two. */
function groupsOf(text: string, last: boolean): number[] | undefined {
  if (text === "") return [];
  const parts = text.split(":");
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    const dotted = last && index === parts.length - 1 ? parseIpv4(part) : undefined;
    if (dotted !== undefined) {
      const [a = 0, b = 0, c = 0, d = 0] = octetsOf(dotted);
      groups.push((a << 8) | b, (c << 8) | d);
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

/** "192.0.2.1:80", or "[2001:db8::1]:80". */
export function formatEndpoint(address: IpAddress, port: number): string {
  return `${familyOf(address) === "ipv6" ? `[${address}]` : address}:${port}`;
}
