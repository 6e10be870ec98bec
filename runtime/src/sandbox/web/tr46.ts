/**
 * What whatwg-url imports as "tr46": the tables of that package are three times as large as all else, and most hosts are
 * plain ASCII, for which the URL standard ("domain to ASCII") says that lowercasing does.
 */
import type { Options } from "tr46";
import type { Load } from "./parts.ts";

declare const load: Load;

export function toASCII(domain: string, options: Options): string | null {
  if (
    options.verifyDNSLength !== true &&
    /^[\0-\x7f]*$/.test(domain) &&
    !/(?:^|\.)xn--/i.test(domain)
  )
    return domain.toLowerCase();
  return load("idna").toASCII(domain, options);
}

export function toUnicode(
  domain: string,
  options: Options,
): { readonly domain: string; readonly error: boolean } {
  return load("idna").toUnicode(domain, options);
}
