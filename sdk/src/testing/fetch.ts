/** `fetch` in a test: the permissions are asked as in the sandbox, also for redirects, and the test answers. */
import type { FetchInit, FetchRequest, FetchResponse, FetchUrl } from "../fetch.ts";
import type { Certificate } from "../network.ts";
import type { FakeRequest, FakeResponse, Fakes } from "./fakes.ts";
import type { Grant } from "./grant.ts";
import { placeOfUrl } from "./grant.ts";
import { entry, given } from "./record.ts";

const REDIRECTS_MAX = 5;
const EXAMPLE = (url: string): string =>
  `fetch: { ${JSON.stringify(url)}: { status: 200, body: "ok" } }`;

export type Fetch = (
  input: string | FetchUrl | FetchRequest,
  init?: FetchInit,
) => Promise<FetchResponse>;

export function createFetch(fakes: Pick<Fakes, "fetch" | "clock">, grant: Grant): Fetch {
  async function answer(request: FakeRequest): Promise<FakeResponse> {
    const { url } = request;
    const fake = given(fakes.fetch, "fetch", EXAMPLE(url));
    if (typeof fake !== "function") return entry(byUrl(fake), url, `fetch ${url}`, EXAMPLE(url));
    const made = await fake(request);
    if (made instanceof Error) throw made;
    return made;
  }

  async function wait(delayMs: number): Promise<void> {
    if (fakes.clock !== undefined) fakes.clock.advance(delayMs);
    else if (delayMs > 0) await new Promise<void>((resolve) => setTimeout(resolve, delayMs));
  }

  return async (input, init) => {
    const asked = new Request(input as Request, init as RequestInit);
    const { method, redirect, signal } = asked;
    const headers = Object.fromEntries(asked.headers);
    let { url } = asked;
    // Before anything is awaited: so the stack of a denial leads to the plugin's own line.
    admit(url, grant);
    const body = await asked.text();
    for (let redirects = 0; ; redirects++) {
      const response = await orAborted(
        answer({ method, url, headers, body }).then(async (made) => {
          await wait(made.delayMs ?? 0);
          return made;
        }),
        signal,
      );
      const { status = 200 } = response;
      const location = new Headers(response.headers ?? {}).get("location");
      if (redirect === "manual" || status < 300 || status > 399 || location === null)
        return responseOf(response, url, redirects > 0);
      if (redirect === "error") throw new Error(`fetch: ${url} answered with a redirect`);
      if (redirects === REDIRECTS_MAX)
        throw new Error(`fetch: more than ${REDIRECTS_MAX} redirects`);
      url = new URL(location, url).href;
      admit(url, grant);
    }
  };
}

function admit(url: string, grant: Grant): void {
  const place = placeOfUrl(url);
  if (place === undefined)
    throw new Error(`fetch: found ${new URL(url).protocol}, expected http: or https:`);
  grant.connect(place);
}

/** "http://host" is asked for as "http://host/". */
function byUrl<T>(entries: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return Object.fromEntries(
    Object.entries(entries).map(([url, value]) => [URL.parse(url)?.href ?? url, value]),
  );
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(signal.reason);
    if (signal.aborted) giveUp();
    signal.addEventListener("abort", giveUp);
    // What comes after the signal changes nothing any more.
    work.then(resolve, reject);
  });
}

/** Its clones have it too. */
function withCertificate(response: Response, certificate: Certificate | null): FetchResponse {
  const { clone } = Response.prototype;
  return Object.assign(response, {
    certificate,
    clone: () => withCertificate(clone.call(response), certificate),
  });
}

function responseOf(
  { status = 200, headers = {}, body = "", certificate = null }: FakeResponse,
  url: string,
  redirected: boolean,
): FetchResponse {
  const without = status === 204 || status === 205 || status === 304;
  const response = new Response(without ? null : (body as BodyInit), { status, headers });
  // A response that was made, not received, has neither.
  Object.defineProperty(response, "url", { value: url });
  Object.defineProperty(response, "redirected", { value: redirected });
  return withCertificate(response, certificate);
}
