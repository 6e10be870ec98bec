/** Places as grants and plugins name them, "host:port", and the address that such a place may lead to. */
import { lookup } from "node:dns/promises";
import { isIP, isIPv4, isIPv6 } from "node:net";
import { DeniedError } from "./denied.ts";
import type { Resolve } from "./fetch.ts";
import { covers } from "./resolved-address.ts";

export const lookupAll: Resolve = (hostname) => lookup(hostname, { all: true });

/**
 * Reads "host:port" or "[address]:port", as the grant has it.
 *
 * @param capability whose message it is when the text is something else.
 */
export function placeOf(target: string, capability: string): readonly [host: string, port: string] {
  const place = split(target);
  if (place === undefined)
    throw new Error(
      `${capability}: found ${JSON.stringify(target.slice(0, 200))}, expected "host:port"`,
    );
  return place;
}

function split(target: string): readonly [host: string, port: string] | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(target);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3];
  if (host === undefined || port === undefined || Number(port) > 65_535) return undefined;
  return [host, port];
}

/**
 * Reads an address with or without a port: "192.0.2.1", "2001:db8::1", "192.0.2.1:80", "[2001:db8::1]:80".
 *
 * @returns the address in its one spelling: other ways to write it must not get past a grant, nor miss one.
 */
export function addressPlaceOf(
  text: string,
  defaultPort: string,
  capability: string,
): readonly [address: string, port: string] {
  const bare = /^\[([^\]]+)\]$/.exec(text)?.[1] ?? text;
  const [host, port] = split(text) ?? [bare, defaultPort];
  const address = canonical(host);
  if (address === undefined)
    throw new Error(
      `${capability}: found the address ${JSON.stringify(text.slice(0, 200))}, expected one such as "192.0.2.1" or "[2001:db8::1]", and perhaps ":port"`,
    );
  return [address, String(Number(port))];
}

/** Whether the grant lists an address, as `addressPlaceOf` gives it, in whatever spelling. */
export function listsAddress(granted: readonly string[], address: string, port: string): boolean {
  return granted.some((entry) => {
    const [host = "", entryPort] = split(entry) ?? [];
    return Number(entryPort) === Number(port) && canonical(host) === address;
  });
}

/** RFC 5952's spelling of an address, without the mapping of IPv4 into IPv6; undefined for what is no address. */
function canonical(address: string): string | undefined {
  if (isIPv4(address)) return address;
  if (!isIPv6(address)) return undefined;
  // A zone has no place in a URL.
  const written = URL.parse(`http://[${address}]/`)?.hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(written ?? "") ?? [];
  if (high === undefined || low === undefined) return written;
  const octets = [high, low].flatMap((word) => [
    Number.parseInt(word, 16) >> 8,
    Number.parseInt(word, 16) & 0xff,
  ]);
  return octets.join(".");
}

/** Whether the grant lists the place; the case of a name does not matter. */
export function lists(granted: readonly string[], target: string): boolean {
  return granted.some((entry) => entry.toLowerCase() === target.toLowerCase());
}

/** The address to go to for a granted place. @throws DeniedError when its name leads where no name may. */
export async function addressOf(
  host: string,
  port: string,
  granted: readonly string[],
  resolve: Resolve,
): Promise<string> {
  if (isIP(host) !== 0) return host;
  const addresses = await resolve(host);
  const allowed = addresses.find(({ address }) => covers(host, address, port, granted));
  if (allowed !== undefined) return allowed.address;
  throw new DeniedError(
    `not permitted: ${host} leads to ${addresses.map(({ address }) => address).join(", ") || "no address"}, which a name may not lead to; grant the address itself if it is meant`,
  );
}

/** What went wrong with a socket, in words. */
export function reasonOf(error: unknown): string {
  const { code, reason } = error as { readonly code?: unknown; readonly reason?: unknown };
  if (code === "ECONNREFUSED") return "the connection is refused";
  if (code === "EHOSTUNREACH" || code === "ENETUNREACH") return "there is no way to it";
  if (code === "ECONNRESET") return "the other side broke the connection off";
  // OpenSSL's, without where in its source it was found.
  if (String(code).startsWith("ERR_SSL_")) return `TLS: ${String(reason)}`;
  // Node's advice is for whoever starts it.
  return error instanceof Error ? error.message.replace(/; if the root CA.*/, "") : String(error);
}
