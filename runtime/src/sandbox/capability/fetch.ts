/** HTTP and HTTPS requests, by undici, to granted hosts only; each redirect is held against the grant again. */
import type { Dispatcher } from "undici";

const REDIRECTS_MAX = 5;
const BODY_BYTES_MAX = 1024 * 1024;
const HEADERS_BYTES_MAX = 32 * 1024;
const CONNECTIONS_MAX = 4;
const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];

export interface FetchAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Thrown for what the grant does not cover. */
export class DeniedError extends Error {}

let undici:
  | Promise<{ readonly request: typeof import("undici").request; readonly agent: Dispatcher }>
  | undefined;

/** Loads undici: a third of a process's start-up, so only for who needs it. */
export function loadFetch(): Promise<unknown> {
  undici ??= import("undici").then(({ Agent, request }) => ({
    request,
    // A health check wants to know whether a new connection succeeds, not whether an old one still lives.
    agent: new Agent({
      connections: CONNECTIONS_MAX,
      pipelining: 0,
      maxHeaderSize: HEADERS_BYTES_MAX,
    }),
  }));
  return undici;
}

/**
 * Performs one request.
 *
 * @param argument from the guest, of any shape.
 * @param net the grant: "host:port" each.
 * @throws DeniedError for a host that is not granted; Error for what goes wrong on the way.
 */
export async function performFetch(
  argument: unknown,
  net: readonly string[],
  signal: AbortSignal,
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
    Object.entries((given["headers"] ?? {}) as Readonly<Record<string, unknown>>).map(
      ([name, value]) => [name, String(value)],
    ),
  );
  const body = typeof given["body"] === "string" ? given["body"] : null;
  await loadFetch();
  const loaded = await undici;
  if (loaded === undefined) throw new Error("fetch is not there");
  let url = parseUrl(String(given["url"]), undefined);
  for (let redirects = 0; ; redirects++) {
    admit(url, net);
    const response = await loaded.request(url, {
      dispatcher: loaded.agent,
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
  return Buffer.concat(chunks).toString("utf8");
}

/** Ends an answer that nobody reads. */
function discard(stream: Dispatcher.ResponseData["body"]): void {
  stream.on("error", () => undefined);
  stream.destroy();
}

function flatten(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.toLowerCase(),
      Array.isArray(value) ? value.join(", ") : (value ?? ""),
    ]),
  );
}
