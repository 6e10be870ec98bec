/** HTTP and HTTPS requests, by undici, to granted hosts only; each redirect and each address is held against the grant. */
import type { LookupFunction } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Client, Dispatcher } from "undici";
import { createSemaphore } from "../semaphore.ts";
import { DeniedError } from "./denied.ts";
import type { Destination, PeerCertificate, TlsSettings } from "./dial.ts";
import { certificateOf, dial, readTls } from "./dial.ts";
import { placeText } from "./resolved-address.ts";
import { addressPlaceOf, listsAddress, lookupAll, reasonOf } from "./place.ts";
import { covers } from "./resolved-address.ts";

const REDIRECTS_MAX = 5;
const BODY_BYTES_MAX = 1024 * 1024;
const HEADERS_BYTES_MAX = 32 * 1024;
const CONNECTIONS_MAX = 16;
/** undici speaks both. */
const ALPN = ["http/1.1", "h2"];
/** What is for one server only, and does not follow a redirect to another. */
const OWN_HEADERS = ["authorization", "cookie", "host", "proxy-authorization"];
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
  /** The server's, with https. */
  readonly certificate: PeerCertificate | null;
}

/** Resolves a name to all of its addresses; `dns.lookup` unless a test has another. */
export type Resolve = (
  hostname: string,
) => Promise<readonly { readonly address: string; readonly family: number }[]>;

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
 *   the name is resolved to, on which the connection is then made; or against the address that the plugin names.
 */
export function createFetcher(net: readonly string[], resolve: Resolve = lookupAll): Fetcher {
  const connected = createSemaphore(CONNECTIONS_MAX);

  return {
    async fetch(argument, signal) {
      const given = (typeof argument === "object" && argument !== null ? argument : {}) as Readonly<
        Record<string, unknown>
      >;
      const redirect = String(given["redirect"]);
      let url = parseUrl(String(given["url"]), undefined);
      let asked = readRequest(given);
      const { address } = given;
      let destination =
        typeof address === "string"
          ? addressOfGrant(address, url, net)
          : hostOfGrant(url, net, resolve);
      for (let redirects = 0; ; redirects++) {
        const answer = await connected.run(() => exchange(url, asked, destination, signal));
        const location = answer.headers.find(([name]) => name === "location")?.[1];
        if (
          redirect === "manual" ||
          answer.status < 300 ||
          answer.status > 399 ||
          location === undefined
        )
          return { ...answer, url: url.href, redirected: redirects > 0 };
        if (redirect === "error") throw new Error(`fetch: ${url.href} answered with a redirect`);
        if (redirects === REDIRECTS_MAX)
          throw new Error(`fetch: more than ${REDIRECTS_MAX} redirects`);
        const next = parseUrl(location, url);
        // What answers for the same name elsewhere than at the address is another server, too.
        if (next.origin !== url.origin || typeof address === "string") asked = forAnother(asked);
        destination = hostOfGrant(next, net, resolve);
        url = next;
      }
    },
  };
}

interface Asked {
  readonly method: Dispatcher.HttpMethod;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
  readonly tls: TlsSettings;
}

function readRequest(given: Readonly<Record<string, unknown>>): Asked {
  const method = String(given["method"]).toUpperCase() as Dispatcher.HttpMethod;
  if (!METHODS.includes(method))
    throw new Error(
      `fetch: the method ${JSON.stringify(method)} is not one of ${METHODS.join(", ")}`,
    );
  const headers = Object.fromEntries(
    ((given["headers"] ?? []) as readonly (readonly [unknown, unknown])[]).map(([name, value]) => [
      String(name),
      String(value),
    ]),
  );
  const body = typeof given["body"] === "string" ? Buffer.from(given["body"], "latin1") : null;
  if (body !== null && body.length > BODY_BYTES_MAX)
    throw new Error(`fetch: the body is longer than ${BODY_BYTES_MAX} bytes`);
  return { method, headers, body, tls: readTls(given["tls"], "fetch") };
}

/** What another server is asked, to which the first one redirects: without what is secret, or was meant for the first alone. */
function forAnother({ method, headers, body }: Asked): Asked {
  const left = Object.entries(headers).filter(
    ([name]) => !OWN_HEADERS.includes(name.toLowerCase()),
  );
  return { method, headers: Object.fromEntries(left), body, tls: readTls(null, "fetch") };
}

/** One request over a connection of its own: a health check wants to know whether a new one succeeds, not whether an old one still lives. */
async function exchange(
  url: URL,
  { method, headers, body, tls }: Asked,
  destination: Destination,
  signal: AbortSignal,
): Promise<Omit<FetchAnswer, "url" | "redirected">> {
  // A third of a process's start-up, so only for who needs it.
  const undici = await import("undici");
  let certificate: PeerCertificate | null = null;
  const client: Client = new undici.Client(url.origin, {
    pipelining: 0,
    maxHeaderSize: HEADERS_BYTES_MAX,
    connect({ protocol, hostname, servername }, done) {
      const secure =
        protocol === "https:" ? { settings: tls, name: servername || hostname, alpn: ALPN } : null;
      dial(destination, secure, "fetch", signal).then(
        (socket) => {
          if (secure !== null) certificate = certificateOf(socket as TLSSocket);
          done(null, socket);
        },
        (error: Error) => done(error, null),
      );
    },
  });
  try {
    const path = `${url.pathname}${url.search}`;
    const response = await client.request({ path, method, headers, body, signal });
    return {
      status: response.statusCode,
      statusText: response.statusText,
      headers: flatten(response.headers),
      body: await readBody(response.body),
      certificate,
    };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code?.startsWith("ERR_SSL_") !== true) throw error;
    throw new Error(`fetch: ${url.host}: ${reasonOf(error)}`, { cause: error });
  } finally {
    await client.destroy();
  }
}

/** The address that the plugin names, whatever the URL's host. @throws DeniedError when it is not granted. */
function addressOfGrant(text: string, url: URL, net: readonly string[]): Destination {
  const [host, port] = addressPlaceOf(text, portOf(url), "fetch");
  if (!listsAddress(net, host, port)) throw denied(placeText(host, port));
  return { host, port: Number(port) };
}

/** The URL's own host. @throws DeniedError when it is not granted. */
function hostOfGrant(url: URL, net: readonly string[], resolve: Resolve): Destination {
  const port = portOf(url);
  const target = `${url.hostname}:${port}`;
  if (!net.some((entry) => entry.toLowerCase() === target)) throw denied(target);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return { host, port: Number(port), lookup: coveredLookup(net, port, resolve) };
}

function denied(target: string): DeniedError {
  return new DeniedError(
    `not permitted: to connect to ${target}, add it to the plugin: permissions: { net: [${JSON.stringify(target)}] }`,
  );
}

/** As net.connect asks for addresses: those that the grant covers, or none. */
function coveredLookup(net: readonly string[], port: string, resolve: Resolve): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const allowed = addresses.filter(({ address }) => covers(hostname, address, port, net));
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

function parseUrl(text: string, base: URL | undefined): URL {
  const url = URL.parse(text, base?.href);
  if (url === null) throw new Error(`fetch: ${JSON.stringify(text.slice(0, 200))} is not a URL`);
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw new Error(`fetch: found ${url.protocol}, expected http: or https:`);
  return url;
}

function portOf({ port, protocol }: URL): string {
  return port === "" ? (protocol === "https:" ? "443" : "80") : port;
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
