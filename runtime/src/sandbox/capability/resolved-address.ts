/**
 * Which addresses a granted name may lead to. A grant names a host, and whoever answers for that name in the DNS could
 * lead it anywhere: to this host's own services, or to the address where clouds give out credentials.
 */
import { BlockList, isIPv4 } from "node:net";

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/** Link-local, unspecified, multicast and reserved ones (RFC 6890): no name leads there in good faith. */
const NEVER_BY_NAME = new BlockList();
for (const [network, length] of [
  ["0.0.0.0", 8],
  ["169.254.0.0", 16],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
] as const)
  NEVER_BY_NAME.addSubnet(network, length, "ipv4");
for (const [network, length] of [
  ["::", 128],
  ["fe80::", 10],
  ["ff00::", 8],
  ["64:ff9b::", 96],
] as const)
  NEVER_BY_NAME.addSubnet(network, length, "ipv6");

/**
 * Whether a connection to `address` is covered.
 *
 * @param hostname as the URL names it, granted already.
 * @param address what it was resolved to.
 * @param net the grant: "host:port" each. An address that is granted itself is covered.
 */
export function covers(
  hostname: string,
  address: string,
  port: string,
  net: readonly string[],
): boolean {
  const bare = unmapped(address);
  return net.includes(placeText(bare, port)) || mayLeadTo(hostname, bare);
}

/** "host:port", or "[address]:port". */
export function placeText(host: string, port: string | number): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Whether a name may lead to an address that is not granted itself. */
export function mayLeadTo(hostname: string, address: string): boolean {
  const bare = unmapped(address);
  const family = isIPv4(bare) ? "ipv4" : "ipv6";
  if (LOOPBACK.check(bare, family)) return /^(?:.*\.)?localhost$/i.test(hostname);
  return !NEVER_BY_NAME.check(bare, family);
}

/** ::ffff:192.0.2.1 is 192.0.2.1. */
function unmapped(address: string): string {
  return /^::ffff:((?:\d+\.){3}\d+)$/i.exec(address)?.[1] ?? address;
}
