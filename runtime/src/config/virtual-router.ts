/** One virtual router of a configuration: its shape, and what follows from its family, its version and strict mode. */
import * as z from "zod";
import type { AddressFamily } from "../packet/address.ts";
import { familyOf, isLinkLocal, isMulticast } from "../packet/address.ts";
import { PASSWORD_OCTETS, VRRP_GROUP, VRRP_GROUP_IPV6, VRRP_HOP_LIMIT } from "../packet/vrrp.ts";
import type {
  Authentication,
  Tracker,
  Transport,
  VirtualMac,
  VirtualRouterConfig,
} from "../vrrp/config.ts";
import { OWNER_PRIORITY } from "../vrrp/priority.ts";
import { vrrpNotifications } from "./commands.ts";
import { virtualAddress, virtualRoute, virtualRule } from "./holdings.ts";
import { track } from "./trackers.ts";
import { HOUR_MS, address, commonFamily, duration, interfaceName } from "./values.ts";

/** Ethernet's, less the headers: how many addresses an advertisement can carry. */
const MTU_OCTETS = 1500;
const HEADER_OCTETS = { ipv4: 20 + 8, ipv6: 40 + 8 } as const;
const ADDRESS_OCTETS = { ipv4: 4, ipv6: 16 } as const;
const TRAILER_OCTETS = { none: 0, PASS: 0, AH: 24, HMAC: 28 } as const;
const CENTISECOND_MS = 10;
const INTERVAL_V3_MS_MAX = 40_950;
const HMAC_WINDOW_SECONDS_MAX = 300;

/** A text, or "hex:" and all eight octets in hexadecimal digits. */
const password = z.string().transform((text, context): readonly number[] => {
  const digits = /^hex:((?:[0-9a-f]{2}){8})$/i.exec(text)?.[1];
  const octets =
    digits === undefined
      ? new TextEncoder().encode(text)
      : Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  if (octets.length >= 1 && octets.length <= PASSWORD_OCTETS)
    return Array.from({ length: PASSWORD_OCTETS }, (_, index) => octets[index] ?? 0);
  context.addIssue({
    code: "custom",
    message: `found a password of ${octets.length} octets, expected 1 to ${PASSWORD_OCTETS}: no more go on the wire (keepalived cuts a longer one to its first ${PASSWORD_OCTETS})`,
  });
  return z.NEVER;
});

/** "hex:" and hexadecimal digits, or a text. */
const hmacKey = z.string().transform((text, context): readonly number[] => {
  const octets = text.startsWith("hex:")
    ? (/^(?:[0-9a-f]{2})*$/i.test(text.slice(4)) ? (text.slice(4).match(/../g) ?? []) : []).map(
        (pair) => Number.parseInt(pair, 16),
      )
    : [...new TextEncoder().encode(text)];
  if (octets.length >= 32 && octets.length <= 64) return octets;
  context.addIssue({
    code: "custom",
    message: `found a key of ${octets.length} octets, expected 32 to 64, as a text or as "hex:" and hexadecimal digits`,
  });
  return z.NEVER;
});

const authentication = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("none") }),
  z.strictObject({ type: z.literal("PASS"), password }),
  z.strictObject({ type: z.literal("AH"), password }),
  z.strictObject({
    type: z.literal("HMAC"),
    keys: z
      .array(z.strictObject({ id: z.int().min(1).max(255), key: hmacKey }))
      .min(1)
      .max(8),
    activeKey: z.int().min(1).max(255).optional(),
    antiReplay: z.enum(["time", "monotonic"]).default("time"),
    timeWindow: duration(1000, HMAC_WINDOW_SECONDS_MAX * 1000, "1s to 300s").optional(),
    mode: z.enum(["enforce", "permissive", "receive-only"]).default("enforce"),
  }),
]);

const ttl = z.int().min(1).max(255);
const count = z.int().min(1).max(255);
const pause = duration(0, HOUR_MS, "0s to 60m");

/** The shape of one virtual router. */
export const virtualRouter = z.strictObject({
  interface: interfaceName,
  id: z.int().min(1).max(255),
  version: z.union([z.literal(2), z.literal(3)]).optional(),
  priority: z.int().min(1).max(255).default(100),
  advertInterval: duration(10, 255_000, "10ms to 255s").default(1000),
  missedAdvertisements: z.int().min(1).max(100).default(3),
  initialState: z.enum(["backup", "master"]).default("master"),
  startDelay: pause.default(0),
  startDelayAfterBoot: pause.default(0),
  preempt: z.boolean().default(true),
  preemptDelay: duration(0, 1_000_000, "0s to 1000s").default(0),
  authentication: authentication.default({ type: "none" }),
  checksum: z.enum(["pseudo-header", "message"]).default("pseudo-header"),
  multicast: z.strictObject({ group: address.optional(), ttl: ttl.default(255) }).optional(),
  unicast: z
    .strictObject({
      peers: z
        .array(
          z.union([
            address,
            z.strictObject({
              address,
              minimumTtl: z.int().min(0).max(255).default(0),
              maximumTtl: z.int().min(0).max(255).default(255),
            }),
          ]),
        )
        .min(1),
      ttl: ttl.default(255),
      onlyPeers: z.boolean().default(false),
    })
    .optional(),
  sourceAddress: address.optional(),
  virtualMac: z
    .union([
      z.boolean(),
      z.strictObject({
        interface: interfaceName.optional(),
        address: z
          .string()
          .regex(
            /^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/i,
            'expected six octets as in "00:00:5e:00:01:33"',
          )
          .optional(),
        sendFrom: z.enum(["virtual", "base"]).default("virtual"),
      }),
    ])
    .default(false),
  addresses: z.array(virtualAddress).min(1).max(255),
  excludedAddresses: z.array(virtualAddress).max(1000).default([]),
  routes: z.array(virtualRoute).default([]),
  rules: z.array(virtualRule).default([]),
  accept: z.boolean().optional(),
  strict: z.boolean().default(false),
  track,
  lease: z.boolean().default(true),
  onAddressLost: z.enum(["restore", "resign", "fault"]).default("restore"),
  onAddressMismatch: z.enum(["accept", "drop"]).default("accept"),
  gratuitousArp: z
    .strictObject({
      count: count.default(5),
      repeatAfter: pause.default(5000),
      refreshEvery: pause.default(0),
      refreshCount: count.default(1),
      gap: duration(0, 60_000, "0ms to 60s").default(0),
      onContention: z
        .strictObject({ count: z.int().min(0).max(255).optional(), repeatAfter: pause.optional() })
        .prefault({}),
    })
    .prefault({}),
  answerLowerPriority: z.boolean().optional(),
  advertiseBeforeYielding: z.boolean().default(false),
  ownerIgnoresAdvertisements: z.boolean().optional(),
  notify: vrrpNotifications,
});

export type ParsedVirtualRouter = z.infer<typeof virtualRouter>;

export interface Reporter {
  error(path: readonly (string | number)[], message: string): void;
  warning(path: readonly (string | number)[], message: string): void;
}

/** The virtual router with every default filled in; what does not go together is reported. */
export function resolveVirtualRouter(
  name: string,
  parsed: ParsedVirtualRouter,
  trackers: readonly Tracker[],
  syncGroup: string | undefined,
  report: Reporter,
): VirtualRouterConfig {
  const family = commonFamily(parsed.addresses.map((entry) => entry.address)) ?? "ipv4";
  const version = parsed.version ?? (family === "ipv6" ? 3 : 2);
  const owner = parsed.priority === OWNER_PRIORITY;
  checkFamily(parsed, family, version, report);
  checkInterval(parsed, version, report);
  checkCount(parsed, family, version, report);
  if (parsed.strict) checkStrict(parsed, owner, report);
  if (!parsed.preempt && parsed.preemptDelay > 0)
    report.error(["preemptDelay"], "found a delay for what preempt: false forbids");
  const {
    count: frames,
    repeatAfter,
    refreshEvery,
    refreshCount,
    gap,
    onContention,
  } = parsed.gratuitousArp;
  return {
    name,
    interface: parsed.interface,
    id: parsed.id,
    family,
    version,
    priority: parsed.priority,
    advertIntervalMs: parsed.advertInterval,
    missedAdvertisements: parsed.missedAdvertisements,
    initialState: parsed.initialState,
    startDelayMs: parsed.startDelay,
    preempt: parsed.preempt,
    preemptDelayMs: parsed.preemptDelay,
    authentication: authenticationOf(parsed, report),
    checksumStyle: parsed.checksum,
    transport: transportOf(parsed, family, report),
    sourceAddress: parsed.sourceAddress,
    virtualMac: virtualMacOf(parsed, family),
    addresses: parsed.addresses,
    excludedAddresses: parsed.excludedAddresses,
    routes: parsed.routes,
    rules: parsed.rules,
    accept: parsed.accept ?? (!parsed.strict || owner),
    trackInterface: parsed.track.interface,
    trackers,
    syncGroup,
    lease: parsed.lease,
    onAddressLost: parsed.onAddressLost,
    onAddressMismatch: parsed.onAddressMismatch,
    announcement: {
      count: frames,
      repeatAfterMs: repeatAfter,
      refreshEveryMs: refreshEvery,
      refreshCount,
      gapMs: gap,
      contention: {
        count: onContention.count ?? (parsed.strict ? 0 : frames),
        repeatAfterMs: onContention.repeatAfter ?? (parsed.strict ? 0 : repeatAfter),
      },
    },
    // RFC 3768 knows no answer, RFC 9568 demands one.
    answerLowerPriority: parsed.answerLowerPriority ?? !(parsed.strict && version === 2),
    advertiseBeforeYielding: parsed.advertiseBeforeYielding,
    ownerIgnoresAdvertisements: parsed.ownerIgnoresAdvertisements ?? false,
  };
}

function checkFamily(
  parsed: ParsedVirtualRouter,
  family: AddressFamily,
  version: 2 | 3,
  report: Reporter,
): void {
  if (parsed.addresses.some((entry) => familyOf(entry.address) !== family))
    report.error(
      ["addresses"],
      "found IPv4 and IPv6 addresses, expected one family: a second virtual router carries the other, or excludedAddresses do",
    );
  const [first] = parsed.addresses;
  if (family === "ipv6" && version === 2)
    report.error(["version"], "found version 2 with IPv6 addresses, expected version 3");
  if (family === "ipv6" && first !== undefined && !isLinkLocal(first.address))
    report.warning(
      ["addresses", 0],
      `found ${first.address}, expected the virtual router's link-local address first, such as "fe80::${parsed.id.toString(16)}/64" (RFC 9568 section 5.2.9)`,
    );
  const others = [parsed.sourceAddress, parsed.multicast?.group].filter(
    (entry) => entry !== undefined,
  );
  for (const other of others)
    if (familyOf(other) !== family)
      report.error([], `found ${other}, expected an address of the family of the addresses`);
}

function checkInterval(parsed: ParsedVirtualRouter, version: 2 | 3, report: Reporter): void {
  const found = `found ${parsed.advertInterval} ms`;
  if (version === 2 && parsed.advertInterval % 1000 !== 0)
    report.error(
      ["advertInterval"],
      `${found}, expected whole seconds: version 2 carries no fractions; version: 3 does`,
    );
  const fits = parsed.advertInterval % CENTISECOND_MS === 0;
  if (version === 3 && (!fits || parsed.advertInterval > INTERVAL_V3_MS_MAX))
    report.error(
      ["advertInterval"],
      `${found}, expected a multiple of 10ms up to 40.95s, as version 3 carries it`,
    );
}

function checkCount(
  { addresses, authentication: { type } }: ParsedVirtualRouter,
  family: AddressFamily,
  version: 2 | 3,
  report: Reporter,
): void {
  const password8 = version === 2 ? PASSWORD_OCTETS : 0;
  const room = MTU_OCTETS - HEADER_OCTETS[family] - password8 - TRAILER_OCTETS[type];
  const most = Math.min(255, Math.floor(room / ADDRESS_OCTETS[family]));
  if (addresses.length > most)
    report.error(
      ["addresses"],
      `found ${addresses.length} addresses, expected at most ${most}: no more fit an advertisement; the others can be excludedAddresses`,
    );
}

/** What keepalived's vrrp_strict refuses, and what it quietly changes, said aloud. */
function checkStrict(parsed: ParsedVirtualRouter, owner: boolean, report: Reporter): void {
  const refuse = (path: string, wrong: boolean, what: string): void => {
    if (wrong) report.error([path], `found ${what}, which strict mode does not allow`);
  };
  refuse("unicast", parsed.unicast !== undefined, "unicast peers");
  refuse("preemptDelay", parsed.preemptDelay > 0, "a preempt delay");
  refuse("missedAdvertisements", parsed.missedAdvertisements !== 3, "another number than 3");
  refuse("advertiseBeforeYielding", parsed.advertiseBeforeYielding, "true");
  const { type } = parsed.authentication;
  refuse("authentication", type === "PASS" || type === "AH", `authentication ${type}`);
  const { virtualMac } = parsed;
  if (typeof virtualMac === "object") {
    refuse("virtualMac", virtualMac.address !== undefined, "an own MAC address");
    refuse("virtualMac", virtualMac.sendFrom === "base", "sending from the base interface");
  }
  if (parsed.authentication.type === "HMAC")
    refuse("authentication", parsed.authentication.mode !== "enforce", "another mode than enforce");
  if (parsed.accept === undefined && !owner)
    report.warning(
      ["strict"],
      "in strict mode a master that does not own the addresses drops what is sent to them, so they answer no ping and no connection; set accept: true to have it otherwise",
    );
}

function authenticationOf(parsed: ParsedVirtualRouter, report: Reporter): Authentication {
  const { authentication: found, advertInterval } = parsed;
  const { version } = parsed;
  const family = commonFamily(parsed.addresses.map((entry) => entry.address));
  if ((found.type === "PASS" || found.type === "AH") && (version === 3 || family === "ipv6"))
    report.error(
      ["authentication"],
      `found ${found.type}, which only version 2 carries; version 3 can have type: "HMAC"`,
    );
  if (found.type !== "HMAC") return found;
  const [first] = found.keys;
  const activeKey = found.activeKey ?? first?.id ?? 0;
  const ids = found.keys.map((key) => key.id);
  if (new Set(ids).size !== ids.length)
    report.error(["authentication", "keys"], "found two keys with the same id");
  if (!ids.includes(activeKey))
    report.error(
      ["authentication", "activeKey"],
      `found ${activeKey}, expected the id of one of the keys`,
    );
  const derived = Math.min(
    HMAC_WINDOW_SECONDS_MAX,
    Math.max(5, Math.ceil((3 * advertInterval) / 1000)),
  );
  return {
    type: "HMAC",
    keys: found.keys.map(({ id, key }) => ({ id, octets: key })),
    activeKey,
    antiReplay: found.antiReplay,
    timeWindowSeconds:
      found.timeWindow === undefined ? derived : Math.ceil(found.timeWindow / 1000),
    mode: found.mode,
  };
}

function transportOf(
  parsed: ParsedVirtualRouter,
  family: AddressFamily,
  report: Reporter,
): Transport {
  const { multicast, unicast } = parsed;
  if (unicast !== undefined) {
    if (multicast !== undefined)
      report.error(["unicast"], "found unicast and multicast, expected one of them");
    const peers = unicast.peers.map((peer) =>
      typeof peer === "string" ? { address: peer, minimumTtl: 0, maximumTtl: 255 } : peer,
    );
    for (const [index, peer] of peers.entries())
      if (familyOf(peer.address) !== family || isMulticast(peer.address))
        report.error(
          ["unicast", "peers", index],
          `found ${peer.address}, expected a host's address of the family of the addresses`,
        );
    const bounded = peers.some((peer) => peer.minimumTtl > 0 || peer.maximumTtl < 255);
    return { type: "unicast", peers, ttl: unicast.ttl, onlyPeers: unicast.onlyPeers || bounded };
  }
  const group = multicast?.group ?? (family === "ipv4" ? VRRP_GROUP : VRRP_GROUP_IPV6);
  if (!isMulticast(group))
    report.error(["multicast", "group"], `found ${group}, expected a multicast address`);
  return { type: "multicast", group, ttl: multicast?.ttl ?? VRRP_HOP_LIMIT };
}

function virtualMacOf(
  { virtualMac, id }: ParsedVirtualRouter,
  family: AddressFamily,
): VirtualMac | undefined {
  if (virtualMac === false) return undefined;
  const options = virtualMac === true ? { sendFrom: "virtual" as const } : virtualMac;
  return {
    interface: options.interface ?? `${family === "ipv4" ? "vrrp" : "vrrp6"}.${id}`,
    station:
      options.address === undefined
        ? [0x00, 0x00, 0x5e, 0x00, family === "ipv4" ? 0x01 : 0x02, id]
        : options.address.split(":").map((octet) => Number.parseInt(octet, 16)),
    sendFrom: options.sendFrom,
  };
}
