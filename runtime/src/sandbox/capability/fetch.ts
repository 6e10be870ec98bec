/** HTTP and HTTPS requests, by undici, to granted hosts only; each redirect and each address is held against the grant. */
import { lookup } from "node:dns/promises";
import type { LookupFunction } from "node:net";
import type { Dispatcher } from "undici";
import { DeniedError } from "./denied.ts";
import { covers } from "./resolved-address.ts";

const REDIRECTS_MAX = 5;
const BODY_BYTES_MAX = 1024 * 1024;
const HEADERS_BYTES_MAX = 32 * 1024;
const CONNECTIONS_MAX = 4;
const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];

export interface FetchAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly url: string;
  /** Whether `url` is another than what was asked for. */
  readonly redirected: boolean;
  readonly headers: readonly (readonly [string, string])[];
  /** One character for each octet. */
  readonly body: string;
}

/** Resolves a name to all of its addresses; `dns.lookup` unless a test has another. */
export type Resolve = (
  hostname: string,
) => Promise<readonly { readonly address: string; readonly family: number }[]>;

interface Loaded {
  readonly request: typeof import("undici").request;
  readonly Agent: typeof import("undici").Agent;
}

let undici: Promise<Loaded> | undefined;

/** Loads undici: a third of a process's start-up, so only for who needs it. */
function loadUndici(): Promise<Loaded> {
  undici ??= import("undici").then(({ Agent, request }) => ({ request, Agent }));
  return undici;
}

export interface Fetcher {
  /**
   * Performs one request.
   *
   * @param argument from the guest, of any shape.
   * @throws DeniedError for a host that is not granted; Error for what goes wrong on the way.
   */
  fetch(argument: unknown, signal: AbortSignal): Promise<FetchAnswer>;
}

/**
 * @param net the grant: "host:port" each. It is held against the name in the URL, and again against the address that
 *   the name is resolved to, on which the connection is then made.
 */
export function createFetcher(
  net: readonly string[],
  resolve: Resolve = (hostname) => lookup(hostname, { all: true }),
): Fetcher {
  let agent: Dispatcher | undefined;

  function agentOf({ Agent }: Loaded): Dispatcher {
    // A health check wants to know whether a new connection succeeds, not whether an old one still lives.
    agent ??= new Agent({
      connections: CONNECTIONS_MAX,
      pipelining: 0,
      maxHeaderSize: HEADERS_BYTES_MAX,
      connect: { lookup: coveredLookup(net, resolve) },
    });
    return agent;
  }

  return {
    async fetch(argument, signal) {
      const loaded = await loadUndici();
      return performFetch(argument, net, signal, loaded.request, agentOf(loaded));
    },
  };
}

/** As net.connect asks for addresses: those that the grant covers, or none. */
function coveredLookup(net: readonly string[], resolve: Resolve): LookupFunction {
  return (hostname, options, callback) => {
    // The port is not told here: a name that is granted with several ports is held against each of them.
    const ports = net
      .filter(
        (entry) => entry.slice(0, entry.lastIndexOf(":")).toLowerCase() === hostname.toLowerCase(),
      )
      .map((entry) => entry.slice(entry.lastIndexOf(":") + 1));
    resolve(hostname).then(
      (addresses) => {
        const allowed = addresses.filter(({ address }) =>
          ports.every((port) => covers(hostname, address, port, net)),
        );
        const [first] = allowed;
        if (first === undefined) {
          const found = addresses.map(({ address }) => address).join(", ");
          callback(
            new DeniedError(
              `not permitted: ${hostname} leads to ${found || "no address"}, which a name may not lead to; grant the address itself if it is meant`,
            ),
            "",
            0,
          );
        } else if (options.all === true) callback(null, [...allowed]);
        else callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, "", 0),
    );
  };
}

async function performFetch(
  argument: unknown,
  net: readonly string[],
  signal: AbortSignal,
  request: Loaded["request"],
  dispatcher: Dispatcher,
): Promise<FetchAnswer> {
  const given = (typeof argument === "object" && argument !== null ? argument : {}) as Readonly<
    Record<string, unknown>
  >;
  const method = String(given["method"]).toUpperCase() as Dispatcher.HttpMethod;
  if (!METHODS.includes(method))
    throw new Error(
      `fetch: the method ${JSON.stringify(method)} is not one of ${METHODS.join(", ")}`,
    );
  const redirect = String(given["redirect"]);
  const headers = Object.fromEntries(
    ((given["headers"] ?? []) as readonly (readonly [unknown, unknown])[]).map(([name, value]) => [
      String(name),
      String(value),
    ]),
  );
  const body = typeof given["body"] === "string" ? Buffer.from(given["body"], "latin1") : null;
  if (body !== null && body.length > BODY_BYTES_MAX)
    throw new Error(`fetch: the body is longer than ${BODY_BYTES_MAX} bytes`);
  let url = parseUrl(String(given["url"]), undefined);
  for (let redirects = 0; ; redirects++) {
    admit(url, net);
    const response = await request(url, {
      dispatcher,
      method,
      headers,
      body,
      signal,
    });
    const location = response.headers["location"];
    if (
      redirect === "manual" ||
      response.statusCode < 300 ||
      response.statusCode > 399 ||
      typeof location !== "string"
    ) {
      return {
        status: response.statusCode,
        statusText: response.statusText,
        url: url.href,
        redirected: redirects > 0,
        headers: flatten(response.headers),
        body: await readBody(response.body),
      };
    }
    discard(response.body);
    if (redirect === "error") throw new Error(`fetch: ${url.href} answered with a redirect`);
    if (redirects === REDIRECTS_MAX) throw new Error(`fetch: more than ${REDIRECTS_MAX} redirects`);
    url = parseUrl(location, url);
  }
}

function parseUrl(text: string, base: URL | undefined): URL {
  const url = URL.parse(text, base?.href);
  if (url === null) throw new Error(`fetch: ${JSON.stringify(text.slice(0, 200))} is not a URL`);
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw new Error(`fetch: found ${url.protocol}, expected http: or https:`);
  return url;
}

function admit(url: URL, net: readonly string[]): void {
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  const target = `${url.hostname}:${port}`;
  if (net.some((entry) => entry.toLowerCase() === target)) return;
  throw new DeniedError(
    `not permitted: to connect to ${target}, add it to the plugin: permissions: { net: [${JSON.stringify(target)}] }`,
  );
}

async function readBody(stream: Dispatcher.ResponseData["body"]): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > BODY_BYTES_MAX) {
      discard(stream);
      throw new Error(`fetch: the answer is longer than ${BODY_BYTES_MAX} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("latin1");
}

/** Ends an answer that nobody reads. */
function discard(stream: Dispatcher.ResponseData["body"]): void {
  stream.on("error", () => undefined);
  stream.destroy();
}

/** Each line by itself: those of cookies cannot be told apart once they are joined. */
function flatten(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): (readonly [string, string])[] {
  return Object.entries(headers).flatMap(([name, value = []]) =>
    (Array.isArray(value) ? value : [value]).map((line) => [name, line] as const),
  );
}
