/** The part of the web that speaks HTTP: what `fetch` of a plugin's context takes and gives. */
import type { RequestInit, Signal } from "./request.ts";
import { Request, read } from "./request.ts";

export { Headers } from "./headers.ts";
export { Request } from "./request.ts";
export { Response, fromAnswer } from "./response.ts";

const BODY_BYTES_MAX = 1024 * 1024;

/** What the host is asked. */
export interface FetchArgument {
  readonly url: string;
  readonly method: string;
  readonly headers: readonly (readonly [string, string])[];
  /** One character for each octet. */
  readonly body: string | null;
  readonly redirect: string;
}

/** @param input a Request, or a URL as an object or a text: the host reads it, so that most plugins need no parser here. */
export function toArgument(
  input: unknown,
  init: RequestInit = {},
): { readonly argument: FetchArgument; readonly signal: Signal | null } {
  const { method, headers, content, redirect, signal } = read(
    init ?? {},
    input instanceof Request ? input : undefined,
  );
  const octets = content?.octets ?? null;
  if (octets !== null && octets.length > BODY_BYTES_MAX)
    throw new TypeError(
      `fetch: found a body of ${octets.length} bytes, expected at most ${BODY_BYTES_MAX}`,
    );
  const url = input instanceof Request ? input.url : `${input}`;
  return {
    argument: { url, method, headers: [...headers], body: octets, redirect },
    signal,
  };
}
