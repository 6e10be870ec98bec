/** The shape of a virtual server in a configuration. */
import * as z from "zod";
import { SCHEDULERS } from "../director/config.ts";
import { parseAddress } from "../packet/address.ts";
import { commandShape, directorNotifications } from "./commands.ts";
import { pluginShape } from "./plugin-use.ts";
import { address, duration, interfaceName, weight } from "./values.ts";

const DAY_MS = 86_400_000;
const PERSISTENCE_MS = 360_000;
const WEIGHT_MAX = 2_147_483_647;
const LENGTH_MAX = 65_535;

const port = z.int().min(1).max(65_535);
const time = (least: number, text: string) => duration(least, 31 * DAY_MS, text);

/** "192.0.2.1:80", "[2001:db8::1]:80", or an address alone: port 0. */
const endpoint = z.string().transform((text, context) => {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const host = parseAddress(match?.[1] ?? match?.[2] ?? text);
  const number = Number(match?.[3] ?? 0);
  if (host !== undefined && number <= LENGTH_MAX) return { address: host, port: number };
  context.addIssue({
    code: "custom",
    message: `found ${JSON.stringify(text)}, expected an address and a port such as "192.0.2.1:80" or "[2001:db8::1]:80"`,
  });
  return z.NEVER;
});

const forwarding = z.union(
  [
    z.enum(["NAT", "DR", "TUN"]),
    z.strictObject({
      type: z.literal("TUN"),
      encapsulation: z.enum(["ipip", "gre", "gue"]).default("ipip"),
      port: port.optional(),
      checksum: z.enum(["none", "checksum", "remote"]).default("none"),
    }),
  ],
  'expected "NAT", "DR", "TUN" or { type: "TUN", encapsulation, port, checksum }',
);

const service = z.union(
  [
    endpoint,
    z.strictObject({ first: address, last: address, port: port.optional() }),
    z.strictObject({
      mark: z.int().min(1).max(0xffff_ffff),
      family: z.enum(["ipv4", "ipv6"]).optional(),
    }),
  ],
  'expected "ADDRESS:PORT", { first, last, port } or { mark }',
);

const timing = {
  interval: time(1, "above 0s").optional(),
  retries: z.int().min(0).max(1_000_000).optional(),
  retryDelay: time(0, "0s or more").optional(),
  warmup: time(0, "0s or more").optional(),
  timeout: time(1, "above 0s").optional(),
  startsDown: z.boolean().optional(),
};

const connection = {
  address: address.optional(),
  port: port.optional(),
  sourceAddress: address.optional(),
  sourcePort: port.optional(),
  interface: interfaceName.optional(),
  mark: z.int().min(1).max(0xffff_ffff).optional(),
};

const statusCode = z.union([z.int().min(100).max(599), z.string()]).transform((given, context) => {
  const [first = Number.NaN, last = first] = String(given).split("-").map(Number);
  if (first >= 100 && last <= 599 && first <= last) return { first, last };
  context.addIssue({
    code: "custom",
    message: `found ${JSON.stringify(given)}, expected a status such as 200, or a range such as "200-299"`,
  });
  return z.NEVER;
});

const url = z.strictObject({
  path: z.string().regex(/^\//, "expected a path that begins with /"),
  digest: z
    .string()
    .regex(/^[0-9a-f]{32}$/i, "expected an MD5 of 32 hexadecimal digits")
    .optional(),
  statusCodes: z
    .array(statusCode)
    .min(1)
    .default([{ first: 200, last: 299 }]),
  host: z.string().optional(),
  pattern: z
    .strictObject({
      text: z.string().min(1),
      options: z.array(z.string()).default([]),
      absent: z.boolean().default(false),
      fromOffset: z.int().min(0).optional(),
      toOffset: z.int().min(0).optional(),
    })
    .optional(),
});

const common = { ...timing, ...connection };
const hexadecimal = z
  .string()
  .regex(/^(?:[0-9a-fx]{2})+$/i, "expected pairs of hexadecimal digits");

const checker = z.discriminatedUnion("type", [
  z.strictObject({
    ...timing,
    ...pluginShape,
    type: z.literal("plugin"),
    address: address.optional(),
    port: port.optional(),
    onFault: z.enum(["down", "hold"]).default("down"),
  }),
  z.strictObject({ ...common, type: z.enum(["tcp", "ping"]) }),
  z.strictObject({
    ...common,
    type: z.enum(["http", "https"]),
    protocol: z.enum(["1.0", "1.0C", "1.1"]).default("1.0"),
    host: z.string().optional(),
    serverName: z.string().optional(),
    fastRecovery: z.boolean().default(false),
    urls: z.array(url).min(1),
  }),
  z.strictObject({ ...common, type: z.literal("smtp"), helo: z.string().default("smtpchecker") }),
  z.strictObject({
    ...common,
    type: z.literal("dns"),
    recordType: z
      .enum(["A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA", "RRSIG", "DNSKEY"])
      .default("SOA"),
    name: z.string().default("."),
  }),
  z.strictObject({
    ...common,
    ...commandShape,
    type: z.literal("command"),
    dynamicWeight: z.boolean().default(false),
  }),
  z.strictObject({
    ...common,
    type: z.literal("udp"),
    payload: hexadecimal.optional(),
    reply: z
      .strictObject({
        pattern: hexadecimal.optional(),
        minimumLength: z.int().min(0).max(LENGTH_MAX).default(0),
        maximumLength: z.int().min(0).max(LENGTH_MAX).default(255),
      })
      .optional(),
  }),
  z.strictObject({
    ...common,
    type: z.literal("file"),
    file: z.string(),
    weight: weight.optional(),
    reverse: z.boolean().default(false),
  }),
]);

const command = z.strictObject(commandShape).optional();
const serverWeight = z.int().min(0).max(WEIGHT_MAX);

const realServer = z.strictObject({
  ...timing,
  server: endpoint,
  weight: serverWeight.optional(),
  forwarding: forwarding.optional(),
  upperThreshold: z.int().min(0).max(0xffff_ffff).default(0),
  lowerThreshold: z.int().min(0).max(0xffff_ffff).default(0),
  inhibitOnFailure: z.boolean().optional(),
  onUp: command,
  onDown: command,
  mail: z.boolean().default(true),
  host: z.string().optional(),
  checkers: z.array(checker).default([]),
});

export const virtualServer = z.strictObject({
  ...timing,
  services: z.array(service).min(1),
  protocol: z.enum(["TCP", "UDP", "SCTP"]),
  scheduler: z.enum(SCHEDULERS).default("wlc"),
  schedulerFlags: z
    .array(
      z.enum(["flag-1", "flag-2", "flag-3", "sh-port", "sh-fallback", "mh-port", "mh-fallback"]),
    )
    .default([]),
  onePacket: z.boolean().default(false),
  forwarding: forwarding.default("NAT"),
  persistence: z
    .strictObject({
      timeout: time(1000, "1s to 744h").default(PERSISTENCE_MS),
      granularity: z.int().min(1).max(128).optional(),
      engine: z.string().max(15).optional(),
    })
    .optional(),
  quorum: z.int().min(1).max(WEIGHT_MAX).default(1),
  hysteresis: z.int().min(0).max(WEIGHT_MAX).default(0),
  onQuorumUp: command,
  onQuorumDown: command,
  notify: directorNotifications,
  omega: z.boolean().default(false),
  suspendWithoutAddress: z.boolean().default(false),
  mail: z.boolean().default(false),
  sorryServer: z
    .strictObject({
      server: endpoint,
      forwarding: forwarding.optional(),
      inhibit: z.boolean().default(false),
    })
    .optional(),
  inhibitOnFailure: z.boolean().default(false),
  host: z.string().optional(),
  weight: serverWeight.default(1),
  realServers: z.array(realServer).min(1),
});

export type ParsedVirtualServer = z.infer<typeof virtualServer>;
export type ParsedForwarding = z.infer<typeof forwarding>;
/** When checkers run, at whatever level it is said. */
export type ParsedTiming = { readonly [K in keyof typeof timing]?: z.infer<(typeof timing)[K]> };
