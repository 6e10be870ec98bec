/**
 * The one schema of a configuration: shape, ranges and references. Its ranges are the RFCs' and keepalived's; its
 * messages say what was found and what was expected.
 */
import * as z from "zod";
import type { VirtualRouterConfig } from "../vrrp/config.ts";
import {
  commandOf,
  commandShape,
  commands,
  mail,
  notifications,
  notificationsOf,
  vrrpNotifications,
} from "./commands.ts";
import { virtualAddress, virtualRoute, virtualRule } from "./holdings.ts";
import type { CheckConfiguration, Configuration, Warning } from "./model.ts";
import { track, trackedFile, trackedProcess, trackersOf } from "./trackers.ts";
import { checkTarget, pluginShape, pluginUseOf } from "./plugin-use.ts";
import { sandbox, sandboxOf } from "./sandbox.ts";
import { HOUR_MS, duration, interfaceName, name, weight } from "./values.ts";
import { resolveVirtualRouter, virtualRouter } from "./virtual-router.ts";
import { resolveVirtualServer } from "./virtual-server.ts";
import { checkersOf, notificationsOfServer } from "./virtual-server-uses.ts";
import { virtualServer } from "./virtual-server-schema.ts";

const timing = {
  interval: duration(10, HOUR_MS, "10ms to 60m").default(1000),
  timeout: duration(10, HOUR_MS, "10ms to 60m").optional(),
  rise: z.int().min(1).max(1_000_000).default(1),
  fall: z.int().min(1).max(1_000_000).default(1),
  weight: weight.default(0),
  reverse: z.boolean().default(false),
  initialState: z.enum(["unknown", "down"]).default("unknown"),
  onFault: z.enum(["down", "hold"]).default("down"),
};

const pluginCheck = z.strictObject({
  ...timing,
  ...pluginShape,
  /** A checker's. */
  target: checkTarget.optional(),
});

const commandCheck = z.strictObject({ ...timing, ...commandShape });

/** Told apart by hand, so that what is wrong is said of the form that is meant. */
const check = z.unknown().transform((entry, context) => {
  const isCommand = typeof entry === "object" && entry !== null && "command" in entry;
  const result = (isCommand ? commandCheck : pluginCheck).safeParse(entry, { reportInput: true });
  if (result.success) return result.data;
  for (const issue of result.error.issues) context.addIssue({ ...issue } as never);
  return z.NEVER;
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

const syncGroup = z.strictObject({
  members: z.array(name).min(1),
  track,
  notify: vrrpNotifications,
});

const staticAddress = z.strictObject({ device: interfaceName, addresses: z.array(virtualAddress) });

/** What a configuration file exports. */
export const userConfiguration = z.strictObject({
  virtualRouters: z
    .record(name, virtualRouter)
    .refine((routers) => Object.keys(routers).length > 0, "expected at least one virtual router"),
  syncGroups: z.record(name, syncGroup).default({}),
  checks: z.record(name, check).default({}),
  files: z.record(name, trackedFile).default({}),
  processes: z.record(name, trackedProcess).default({}),
  static: z
    .strictObject({
      addresses: z.array(staticAddress).default([]),
      routes: z.array(virtualRoute).default([]),
      rules: z.array(virtualRule).default([]),
    })
    .prefault({}),
  notify: notifications,
  mail: mail.optional(),
  commands,
  services: z.record(name, service).default({}),
  virtualServers: z.record(z.string().min(1).max(200), virtualServer).default({}),
  sandbox,
  secrets: z.record(name, z.string().min(1).max(4096)).default({}),
});

type Parsed = z.infer<typeof userConfiguration>;
type Report = (path: readonly (string | number)[], message: string) => void;

/** The schema: plain data in, Configuration out. Use `safeParse`. */
export const configurationSchema = userConfiguration.transform(
  (parsed, context): Configuration & { readonly warnings: readonly Warning[] } => {
    const report: Report = (path, message) =>
      context.addIssue({ code: "custom", path: [...path], message });
    const warnings: Warning[] = [];
    const groups = groupsOf(parsed, report);
    const virtualRouters = Object.entries(parsed.virtualRouters).map(([routerName, router]) => {
      const path = ["virtualRouters", routerName];
      const group = groups.get(routerName);
      const tracked = group === undefined ? undefined : parsed.syncGroups[group]?.track;
      const trackers = [
        ...trackersOf(router.track, parsed, (at, message) =>
          report([...path, "track", ...at], message),
        ),
        ...(tracked === undefined ? [] : trackersOf(tracked, parsed, () => undefined)),
      ];
      return resolveVirtualRouter(routerName, router, trackers, group, {
        error: (at, message) => report([...path, ...at], message),
        warning: (at, message) => warnings.push({ path: [...path, ...at], message }),
      });
    });
    const virtualServers = Object.entries(parsed.virtualServers).map(([serverName, server]) =>
      resolveVirtualServer(serverName, server, {
        error: (at, message) => report(["virtualServers", serverName, ...at], message),
        warning: (at, message) =>
          warnings.push({ path: ["virtualServers", serverName, ...at], message }),
      }),
    );
    const parsedServers = Object.values(parsed.virtualServers);
    checkMail(parsed, report);
    checkPlaces(virtualRouters, report);
    checkAddresses(virtualRouters, report);
    return {
      virtualRouters,
      startDelaysAfterBootMs: Object.fromEntries(
        Object.entries(parsed.virtualRouters)
          .map(
            ([routerName, { startDelayAfterBoot }]) => [routerName, startDelayAfterBoot] as const,
          )
          .filter(([, delayMs]) => delayMs > 0),
      ),
      warnings,
      holdings: {
        ...parsed.static,
        addresses: parsed.static.addresses.flatMap(({ device, addresses }) =>
          addresses.map((entry) => ({ ...entry, device: entry.device ?? device })),
        ),
      },
      checks: Object.entries(parsed.checks).map(([checkName, entry]) => checkOf(checkName, entry)),
      checkers: virtualServers.flatMap((server, index) =>
        checkersOf(parsedServers[index]?.realServers ?? [], server, index, (at, message) =>
          report(["virtualServers", server.name, ...at], message),
        ),
      ),
      files: Object.entries(parsed.files).map(([fileName, { path, delay }]) => ({
        name: fileName,
        path,
        delayMs: delay,
      })),
      processes: Object.entries(parsed.processes).map(([processName, entry]) => ({
        name: processName,
        pattern: {
          name: entry.name,
          match: entry.match,
          fullCommand: entry.fullCommand,
          ...(entry.arguments === undefined ? {} : { arguments: entry.arguments }),
        },
        quorum: entry.quorum,
        quorumMax: entry.quorumMax ?? Number.MAX_SAFE_INTEGER,
        riseDelayMs: entry.riseDelay,
        fallDelayMs: entry.fallDelay,
      })),
      notifications: [
        ...Object.entries(parsed.virtualRouters).flatMap(([routerName, { notify }]) =>
          notificationsOf(notify, { type: "virtual-router", name: routerName }),
        ),
        ...Object.entries(parsed.syncGroups).flatMap(([groupName, { notify }]) =>
          notificationsOf(notify, { type: "sync-group", name: groupName }),
        ),
        ...virtualServers.flatMap((server, index) => [
          ...notificationsOfServer(server, parsed.mail !== undefined),
          ...notificationsOf(parsedServers[index]?.notify ?? [], {
            type: "virtual-server",
            name: server.name,
          }),
        ]),
        ...notificationsOf(parsed.notify, { type: "all" }),
      ],
      mail: parsed.mail,
      commands: parsed.commands,
      services: parsed.services,
      virtualServers,
      secrets: parsed.secrets,
      sandbox: sandboxOf(parsed.sandbox, (at, message) => report(["sandbox", ...at], message)),
    };
  },
);

function checkOf(checkName: string, entry: Parsed["checks"][string]): CheckConfiguration {
  const what =
    "command" in entry
      ? ({ type: "command", command: commandOf(entry) } as const)
      : { ...pluginUseOf(entry), target: entry.target };
  return {
    name: checkName,
    ...what,
    intervalMs: entry.interval,
    timeoutMs: entry.timeout ?? entry.interval,
    rise: entry.rise,
    fall: entry.fall,
    initialState: entry.initialState,
    onFault: entry.onFault,
  };
}

/** The sync group of each virtual router that has one. */
function groupsOf(parsed: Parsed, report: Report): ReadonlyMap<string, string> {
  const groups = new Map<string, string>();
  for (const [groupName, { members, track: tracked }] of Object.entries(parsed.syncGroups)) {
    const path = ["syncGroups", groupName, "members"];
    // Reported here once, not again for each member.
    trackersOf(tracked, parsed, (at, message) =>
      report(["syncGroups", groupName, "track", ...at], message),
    );
    for (const [index, member] of members.entries()) {
      const other = groups.get(member);
      if (!Object.hasOwn(parsed.virtualRouters, member))
        report([...path, index], `there is no virtual router named ${JSON.stringify(member)}`);
      else if (other !== undefined)
        report([...path, index], `${member} is already in the sync group ${other}`);
      else groups.set(member, groupName);
    }
  }
  return groups;
}

function checkMail(parsed: Parsed, report: Report): void {
  const wish = [
    ...Object.values(parsed.virtualRouters),
    ...Object.values(parsed.syncGroups),
    ...Object.values(parsed.virtualServers),
    parsed,
  ].some(({ notify }) => notify.some((entry) => "mail" in entry));
  if (wish && parsed.mail === undefined)
    report(["notify"], "found { mail: true } without mail: { server, from, to }, which it needs");
}

function checkPlaces(routers: readonly VirtualRouterConfig[], report: Report): void {
  const byPlace = new Map<string, string>();
  const byDevice = new Map<string, string>();
  for (const { name: routerName, interface: device, family, id, virtualMac } of routers) {
    const path = ["virtualRouters", routerName];
    const place = `${device}/${family}/${id}`;
    const other = byPlace.get(place);
    if (other !== undefined)
      report(
        [...path, "id"],
        `virtual router id ${id} is already used on ${device} by ${other}; each group of hosts needs its own`,
      );
    byPlace.set(place, routerName);
    if (virtualMac === undefined) continue;
    const holder = byDevice.get(virtualMac.interface);
    if (holder !== undefined)
      report(
        [...path, "virtualMac"],
        `the interface ${virtualMac.interface} is already that of ${holder}; give this one a name by virtualMac: { interface: "..." }`,
      );
    byDevice.set(virtualMac.interface, routerName);
  }
}

function checkAddresses(routers: readonly VirtualRouterConfig[], report: Report): void {
  const holders = new Map<string, string>();
  for (const router of routers) {
    for (const list of ["addresses", "excludedAddresses"] as const) {
      for (const { address, device } of router[list]) {
        const place = `${device ?? router.virtualMac?.interface ?? router.interface} ${address}`;
        const holder = holders.get(place);
        if (holder !== undefined) {
          const where = holder === router.name ? "here" : `by ${holder}`;
          report(["virtualRouters", router.name, list], `${address} is already listed ${where}`);
        }
        holders.set(place, router.name);
      }
    }
  }
}
