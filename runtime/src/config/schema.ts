/**
 * The one schema of a configuration: shape, ranges and references. Its ranges are RFC 3768's and keepalived's; its
 * messages say what was found and what was expected.
 */
import * as z from "zod";
import { parseIpv4 } from "../packet/address.ts";
import type {
  Authentication,
  Tracker,
  VirtualAddress,
  VirtualRouterConfig,
} from "../vrrp/types.ts";
import { nearest } from "./diagnostic.ts";
import type { CheckConfiguration, Configuration } from "./model.ts";

/** Octets of a PASS password on the wire (RFC 2338 section 5.3.10). */
const PASSWORD_OCTETS = 8;
/** As many as fit a packet on Ethernet: (1500 - 20 IP - 8 VRRP - 8 authentication) / 4, capped by the count's octet. */
const ADDRESSES_MAX = 255;
const UNIT_MS = { ms: 1, s: 1000, m: 60_000 } as const;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

function duration(minimumMs: number, maximumMs: number, range: string) {
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

const name = z
  .string()
  .regex(
    NAME,
    "a name is 1 to 64 letters, digits, '_', '-' or '.', and begins with a letter or digit",
  );
const weight = z.int().min(-253).max(253);

const address = z.string().transform((text, context): VirtualAddress => {
  const [host = "", prefix = "32", ...rest] = text.split("/");
  const parsed = parseIpv4(host);
  const prefixLength = /^\d{1,2}$/.test(prefix) ? Number(prefix) : Number.NaN;
  if (parsed !== undefined && prefixLength >= 0 && prefixLength <= 32 && rest.length === 0)
    return { address: parsed, prefixLength };
  const family = host.includes(":")
    ? " (IPv6 needs VRRP version 3, which this version does not speak)"
    : "";
  context.addIssue({
    code: "custom",
    message: `found ${JSON.stringify(text)}, expected an IPv4 address such as "192.0.2.10/24"${family}`,
  });
  return z.NEVER;
});

const password = z.string().transform((text, context): readonly number[] => {
  const octets = new TextEncoder().encode(text);
  if (octets.length >= 1 && octets.length <= PASSWORD_OCTETS)
    return Array.from({ length: PASSWORD_OCTETS }, (_, index) => octets[index] ?? 0);
  context.addIssue({
    code: "custom",
    message: `found a password of ${octets.length} octets, expected 1 to ${PASSWORD_OCTETS}: no more go on the wire (keepalived cuts a longer one to its first ${PASSWORD_OCTETS})`,
  });
  return z.NEVER;
});

const authentication = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("none") }),
  z.strictObject({ type: z.literal("PASS"), password }),
]);

const virtualRouter = z.strictObject({
  interface: z
    .string()
    .regex(
      /^[^\s/]{1,15}$/,
      "an interface's name has 1 to 15 characters, none of them a blank or '/'",
    ),
  id: z.int().min(1).max(255),
  priority: z.int().min(1).max(255).default(100),
  advertInterval: duration(1000, 255_000, "1s to 255s").default(1000),
  preempt: z.boolean().default(true),
  authentication: authentication.default({ type: "none" }),
  addresses: z.array(address).min(1).max(ADDRESSES_MAX),
  track: z
    .strictObject({
      checks: z.array(z.union([name, z.strictObject({ check: name, weight })])).default([]),
    })
    .default({ checks: [] }),
  lease: z.boolean().default(true),
  gratuitousArp: z
    .strictObject({
      count: z.int().min(1).max(255).default(5),
      repeatAfter: duration(0, 3_600_000, "0s to 60m").default(5000),
    })
    .default({ count: 5, repeatAfter: 5000 }),
});

const check = z.strictObject({
  plugin: z.string().min(1),
  options: z.record(z.string(), z.unknown()).default({}),
  interval: duration(10, 3_600_000, "10ms to 60m").default(1000),
  timeout: duration(10, 3_600_000, "10ms to 60m").optional(),
  rise: z.int().min(1).max(1_000_000).default(1),
  fall: z.int().min(1).max(1_000_000).default(1),
  weight: weight.default(0),
});

const command = z
  .array(z.string())
  .min(1)
  .refine(
    (argv) => argv[0]?.startsWith("/") === true,
    "expected the command's absolute path first, then its arguments",
  )
  .optional();

const service = z.strictObject({
  start: command,
  stop: command,
  restart: command,
  status: command,
});

const userConfiguration = z.strictObject({
  virtualRouters: z
    .record(name, virtualRouter)
    .refine((routers) => Object.keys(routers).length > 0, "expected at least one virtual router"),
  checks: z.record(name, check).default({}),
  services: z.record(name, service).default({}),
  sandbox: z.strictObject({ user: z.string().min(1).optional() }).default({}),
});

type Parsed = z.infer<typeof userConfiguration>;

/** The schema: plain data in, Configuration out. Use `safeParse`. */
export const configurationSchema = userConfiguration.transform((parsed, context): Configuration => {
  const report = (path: (string | number)[], message: string): void =>
    context.addIssue({ code: "custom", path, message });
  const seen = new Map<string, string>();
  const holders = new Map<string, string>();
  const virtualRouters = Object.entries(parsed.virtualRouters).map(
    ([routerName, router]): VirtualRouterConfig => {
      const path = ["virtualRouters", routerName];
      const place = `${router.interface}/${router.id}`;
      const other = seen.get(place);
      if (other !== undefined)
        report(
          [...path, "id"],
          `virtual router id ${router.id} is already used on ${router.interface} by ${other}; each group of hosts needs its own`,
        );
      seen.set(place, routerName);
      if (router.advertInterval % 1000 !== 0)
        report(
          [...path, "advertInterval"],
          `found ${router.advertInterval} ms, expected whole seconds: version 2 carries no fractions`,
        );
      for (const { address: listed } of router.addresses) {
        const holder = holders.get(`${router.interface} ${listed}`);
        if (holder !== undefined) {
          const where = holder === routerName ? "here" : `by ${holder}`;
          report([...path, "addresses"], `${listed} is already listed ${where}`);
        }
        holders.set(`${router.interface} ${listed}`, routerName);
      }
      return {
        name: routerName,
        interface: router.interface,
        id: router.id,
        version: 2,
        priority: router.priority,
        advertIntervalMs: router.advertInterval,
        preempt: router.preempt,
        authentication: router.authentication satisfies Authentication,
        addresses: router.addresses,
        trackers: trackersOf(parsed, router, (index, message) =>
          report([...path, "track", "checks", index], message),
        ),
        lease: router.lease,
        gratuitousArp: {
          count: router.gratuitousArp.count,
          repeatAfterMs: router.gratuitousArp.repeatAfter,
        },
      };
    },
  );
  return {
    virtualRouters,
    checks: Object.entries(parsed.checks).map(([checkName, entry]): CheckConfiguration => ({
      name: checkName,
      plugin: entry.plugin,
      options: entry.options,
      intervalMs: entry.interval,
      timeoutMs: entry.timeout ?? entry.interval,
      rise: entry.rise,
      fall: entry.fall,
    })),
    services: parsed.services,
    sandbox: { user: parsed.sandbox.user },
  };
});

function trackersOf(
  parsed: Parsed,
  router: Parsed["virtualRouters"][string],
  report: (index: number, message: string) => void,
): Tracker[] {
  const seen = new Set<string>();
  return router.track.checks.flatMap((entry, index): Tracker[] => {
    const reference = typeof entry === "string" ? entry : entry.check;
    const known = Object.hasOwn(parsed.checks, reference) ? parsed.checks[reference] : undefined;
    if (known === undefined) {
      const meant = nearest(reference, Object.keys(parsed.checks));
      report(
        index,
        `there is no check named ${JSON.stringify(reference)} under checks${meant === undefined ? "" : `; did you mean ${JSON.stringify(meant)}?`}`,
      );
      return [];
    }
    if (seen.has(reference)) {
      report(index, `the check ${JSON.stringify(reference)} is listed twice`);
      return [];
    }
    seen.add(reference);
    return [{ name: reference, weight: typeof entry === "string" ? known.weight : entry.weight }];
  });
}
