/** Places as grants and plugins name them, "host:port", and the address that such a place may lead to. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
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
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(target);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3];
  if (host === undefined || port === undefined || Number(port) > 65_535)
    throw new Error(
      `${capability}: found ${JSON.stringify(target.slice(0, 200))}, expected "host:port"`,
    );
  return [host, port];
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
  const code = (error as { readonly code?: unknown }).code;
  if (code === "ECONNREFUSED") return "the connection is refused";
  if (code === "EHOSTUNREACH" || code === "ENETUNREACH") return "there is no way to it";
  if (code === "ECONNRESET") return "the other side broke the connection off";
  return error instanceof Error ? error.message : String(error);
}
