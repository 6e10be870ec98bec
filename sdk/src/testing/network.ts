/** `fetch`, `connect`, `udp`, `dns` and `ping` in a test. */
import type { PluginContext } from "../index.ts";
import type { DnsAnswer, DnsRecord, PingAnswer, SocketAddress } from "../network.ts";
import { converse } from "./connect.ts";
import type { FakeDatagram, Fakes } from "./fakes.ts";
import { createFetch } from "./fetch.ts";
import type { Grant } from "./grant.ts";
import type { CallRecord } from "./record.ts";
import { entry, given } from "./record.ts";
import { socketOf } from "./socket.ts";

const UDP_TIMEOUT_MS = 5000;
const TTL = 60;
const PING_TTL = 64;

export type NetworkContext = Pick<PluginContext, "fetch" | "connect" | "udp" | "dns" | "ping">;

export function createNetwork(fakes: Fakes, grant: Grant, { record }: CallRecord): NetworkContext {
  const fetch = createFetch(fakes, grant);

  async function udp(
    target: string,
    data: string | Uint8Array,
    { answer = true, timeoutMs = UDP_TIMEOUT_MS }: { answer?: boolean; timeoutMs?: number },
  ): Promise<Uint8Array | null> {
    mustBePlace(target, "udp");
    grant.udp(target);
    const fake = entry<Exclude<Required<Fakes>["udp"][string], Error>>(
      fakes.udp,
      target,
      `udp ${target}`,
      `udp: { ${JSON.stringify(target)}: "the answer" }`,
    );
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    const said: FakeDatagram = typeof fake === "function" ? await fake(bytes) : fake;
    if (said instanceof Error) throw said;
    if (!answer) return null;
    if (said === null) throw new Error(`udp: ${target}: no answer within ${timeoutMs} ms`);
    return typeof said === "string" ? new TextEncoder().encode(said) : said;
  }

  function dns(name: string, type: string, server = "system"): DnsAnswer {
    grant.dns(server);
    const key = `${name} ${type}`;
    const answers = given(
      fakes.dns,
      `dns ${key}`,
      `dns: { ${JSON.stringify(key)}: ["192.0.2.1"] }`,
    );
    const found = Object.hasOwn(answers, key) ? answers[key] : undefined;
    if (found instanceof Error) throw found;
    if (found === undefined) return { rcode: "NXDOMAIN", authoritative: false, answers: [] };
    if (!Array.isArray(found))
      return { rcode: "NOERROR", authoritative: false, answers: [], ...found };
    const records = found.map((data: unknown) => ({ name, type, ttl: TTL, data }) as DnsRecord);
    return { rcode: "NOERROR", authoritative: false, answers: records };
  }

  function ping(host: string): PingAnswer {
    grant.ping(host);
    const example = `ping: { ${JSON.stringify(host)}: 5 }`;
    const fake = entry<number | PingAnswer>(fakes.ping, host, `ping ${host}`, example);
    return typeof fake === "number" ? { address: host, ttl: PING_TTL, timeMs: fake } : fake;
  }

  return {
    fetch: (input, init) =>
      record("fetch", [input, ...(init ? [init] : [])], () => fetch(input, init)),
    connect(address, init) {
      const talk = record("connect", [address, ...(init ? [init] : [])], () => {
        const target = targetOf(address);
        mustBePlace(target, "connect");
        grant.connect(target);
        const example = `connect: { ${JSON.stringify(target)}: [{ expect: "PING", reply: "PONG" }] }`;
        const said = converse(target, entry(fakes.connect, target, `connect ${target}`, example));
        return {
          ...said,
          write: (data: string | Uint8Array) =>
            record("connect.write", [data], () => said.write(data)),
          read: () => record("connect.read", [], said.read),
          readUntil: (delimiter: string) =>
            record("connect.readUntil", [delimiter], () => said.readUntil(delimiter)),
          expect: (data: string | Uint8Array) =>
            record("connect.expect", [data], () => said.expect(data)),
        };
      });
      const { tls = false, secureTransport = "off", allowHalfOpen = false } = init ?? {};
      return socketOf(talk, {
        secureTransport: tls === false ? secureTransport : "on",
        allowHalfOpen,
      });
    },
    udp: ((target: string, data: string | Uint8Array, init: object = {}) =>
      record("udp", [target, data, init], () => udp(target, data, init))) as NetworkContext["udp"],
    dns: (name, type, init) =>
      record("dns", [name, type, ...(init ? [init] : [])], () => dns(name, type, init?.server)),
    ping: (host, init) => record("ping", [host, ...(init ? [init] : [])], () => ping(host)),
  };
}

function mustBePlace(target: string, capability: string): void {
  const port = /^(?:\[[^\]]+\]|[^:[\]]+):(\d{1,5})$/.exec(target)?.[1];
  if (port === undefined || Number(port) > 65_535)
    throw new Error(`${capability}: found ${JSON.stringify(target)}, expected "host:port"`);
}

export function targetOf(address: SocketAddress): string {
  if (typeof address === "string") return address;
  const { hostname, port } = address;
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}
