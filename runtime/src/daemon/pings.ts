/**
 * Pings for plugins, by the daemon since a raw socket is a privilege. Whether a host is granted, and where its name may
 * lead, is looked at here, whatever the sandbox host already checked: it names the host, and never an address to go to.
 */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { Pinger, PingAnswer } from "../linux/icmp.ts";
import { mayLeadTo } from "../sandbox/capability/resolved-address.ts";
import type { Permissions, PrivilegedRequest } from "../sandbox/protocol.ts";

const PER_SECOND_MAX = 50;
const SECOND_MS = 1000;
const TIMEOUT_MS_MAX = 60_000;
/** Each name that is being resolved holds a thread, of which there are four for everything. */
const LOOKUPS_AT_ONCE_MAX = 2;

type Addresses = readonly { readonly address: string }[];

export interface Pings {
  /** @throws Error that says why there is no answer. */
  perform(
    plugin: string,
    grant: Permissions,
    request: Extract<PrivilegedRequest, { type: "ping" }>,
    signal: AbortSignal,
  ): Promise<PingAnswer & Readonly<Record<string, string | number>>>;
  close(): void;
}

/** Takes a socket only when a plugin pings. */
export function createPings(
  resolve: (hostname: string) => Promise<Addresses> = (hostname) => lookup(hostname, { all: true }),
  load: () => Promise<Pinger> = loadPinger,
): Pings {
  let pinger: Promise<Pinger> | undefined;
  let closed = false;
  /** By name: who asks for one that is being resolved waits for the same answer. */
  const lookups = new Map<string, Promise<Addresses>>();
  /** When each plugin sent its last pings. */
  const sent = new Map<string, readonly number[]>();

  function resolveOnce(host: string): Promise<Addresses> {
    const present = lookups.get(host);
    if (present !== undefined) return present;
    if (lookups.size >= LOOKUPS_AT_ONCE_MAX)
      throw new Error(`the DNS is slow: ${LOOKUPS_AT_ONCE_MAX} names are being resolved already`);
    const started = resolve(host).finally(() => lookups.delete(host));
    lookups.set(host, started);
    return started;
  }

  async function addressOf(
    host: string,
    granted: readonly string[],
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<string> {
    if (isIP(host) !== 0) return host;
    const addresses = await orLate(resolveOnce(host.toLowerCase()), host, timeoutMs, signal);
    const allowed = addresses.find(
      ({ address }) => granted.includes(address) || mayLeadTo(host, address),
    );
    if (allowed !== undefined) return allowed.address;
    throw new Error(
      `not permitted: ${host} leads to ${addresses.map(({ address }) => address).join(", ") || "no address"}, which a name may not lead to; grant the address itself if it is meant`,
    );
  }

  return {
    async perform(plugin, grant, { host, timeoutMs, size }, signal) {
      if (!grant.ping.some((entry) => entry.toLowerCase() === host.toLowerCase()))
        throw new Error(`not granted: permissions.ping does not list ${JSON.stringify(host)}`);
      const now = performance.now();
      const recent = (sent.get(plugin) ?? []).filter((at) => now - at < SECOND_MS);
      if (recent.length >= PER_SECOND_MAX)
        throw new Error(`ping: more than ${PER_SECOND_MAX} in a second`);
      sent.set(plugin, [...recent, now]);
      const limitMs = Math.min(TIMEOUT_MS_MAX, Math.max(1, Math.round(timeoutMs)));
      try {
        const address = await addressOf(host, grant.ping, limitMs, signal);
        const loaded = await (pinger ??= load());
        if (closed) throw new Error("the daemon ends");
        const left = Math.max(1, limitMs - Math.round(performance.now() - now));
        return { ...(await loaded.ping({ address, size, timeoutMs: left, signal })) };
      } catch (error) {
        throw new Error(
          `ping: ${host}: ${error instanceof Error ? error.message : String(error)}`,
          { cause: error },
        );
      }
    },
    close() {
      closed = true;
      void pinger?.then(
        (loaded) => loaded.close(),
        () => undefined,
      );
    },
  };
}

/** raw-socket is for who needs it alone. */
async function loadPinger(): Promise<Pinger> {
  const { createPinger } = await import("../linux/icmp.ts");
  return createPinger();
}

/** A lookup cannot be stopped, only left behind. */
function orLate(
  lookedUp: Promise<Addresses>,
  host: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Addresses> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new Error(`${host} was not resolved within ${timeoutMs} ms`));
    const timer = setTimeout(late, timeoutMs);
    const givenUp = (): void => reject(new Error("it was given up"));
    if (signal.aborted) givenUp();
    signal.addEventListener("abort", givenUp);
    lookedUp.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal.removeEventListener("abort", givenUp);
    });
  });
}
