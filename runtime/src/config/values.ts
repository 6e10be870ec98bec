/** The small values of a configuration: times, names, numbers, addresses; each from its text to its parsed form. */
import * as z from "zod";
import type { AddressFamily, IpAddress } from "../packet/address.ts";
import { familyOf, octetCount, parseAddress } from "../packet/address.ts";
import type { Prefix } from "../vrrp/config.ts";

const UNIT_MS = { ms: 1, s: 1000, m: 60_000 } as const;
const NAME = /^[^\s\p{Cc}\p{Cf}]{1,64}$/u;
export const HOUR_MS = 3_600_000;

/** A time such as "1s", as milliseconds. `range` is for the reader. */
export function duration(minimumMs: number, maximumMs: number, range: string) {
  return z.string().transform((text, context) => {
    const match = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text);
    const milliseconds =
      match === null ? Number.NaN : Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
    if (milliseconds >= minimumMs && milliseconds <= maximumMs && Number.isInteger(milliseconds))
      return milliseconds;
    context.addIssue({
      code: "custom",
      message: `found ${JSON.stringify(text)}, expected a time such as "1s" or "250ms", ${range}`,
    });
    return z.NEVER;
  });
}

export const name = z
  .string()
  .regex(NAME, "a name has 1 to 64 characters, none of them a blank or a control character");

export const interfaceName = z
  .string()
  .regex(
    /^[^\s/]{1,15}$/,
    "an interface's name has 1 to 15 characters, none of them a blank or '/'",
  );

/** What a tracker's judgement weighs, with keepalived's bounds. */
export const weight = z.int().min(-253).max(253);

export const address = z.string().transform((text, context): IpAddress => {
  const parsed = parseAddress(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({
    code: "custom",
    message: `found ${JSON.stringify(text)}, expected an address such as "192.0.2.10" or "2001:db8::10"`,
  });
  return z.NEVER;
});

export const prefix = z.string().transform((text, context): Prefix => {
  const parsed = parsePrefix(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({
    code: "custom",
    message: `found ${JSON.stringify(text)}, expected an address and its prefix length such as "192.0.2.10/24" or "2001:db8::10/64"`,
  });
  return z.NEVER;
});

/** An address with or without the length of its prefix; without, it is the whole address. */
export function parsePrefix(text: string): Prefix | undefined {
  const [host = "", length, ...rest] = text.split("/");
  const parsed = parseAddress(host);
  if (parsed === undefined || rest.length > 0) return undefined;
  const most = octetCount(familyOf(parsed)) * 8;
  if (length === undefined) return { address: parsed, prefixLength: most };
  const prefixLength = /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
  return prefixLength >= 0 && prefixLength <= most ? { address: parsed, prefixLength } : undefined;
}

/** What all addresses must share; undefined where they do not. */
export function commonFamily(
  addresses: readonly (IpAddress | undefined)[],
): AddressFamily | undefined {
  const families = new Set(
    addresses.flatMap((entry) => (entry === undefined ? [] : familyOf(entry))),
  );
  const [family] = families;
  return families.size === 1 ? family : undefined;
}
