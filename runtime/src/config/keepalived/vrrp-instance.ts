/** `vrrp_instance`: one virtual router, with keepalived's defaults where they are other than ours. */
import { OWNER_PRIORITY } from "../../vrrp/priority.ts";
import type { UserVirtualRouter } from "../define.ts";
import type { AddressLine } from "./address-line.ts";
import { readAddressLine } from "./address-line.ts";
import { announcementGrammar, announcementOf } from "./announcement.ts";
import { authenticationGrammar, authenticationOf } from "./authentication.ts";
import type { Context } from "./context.ts";
import { present } from "./context.ts";
import {
  electionGrammar,
  intervalOf,
  missedOf,
  preemptionOf,
  priorityOf,
  wantsMaster,
} from "./election.ts";
import type { Globals } from "./global.ts";
import type { Block, Found, Grammar, Section, Statement } from "./keyword.ts";
import {
  block,
  boolean,
  flag,
  ignored,
  integer,
  last,
  lines,
  obsolete,
  text,
  unsupported,
} from "./keyword.ts";
import { instanceNotifyGrammar, notificationsOf } from "./notify.ts";
import { readRouteLine, readRuleLine } from "./route-line.ts";
import { markKeys } from "./marks.ts";
import type { Tracked } from "./track.ts";
import { trackBlocks, trackOf } from "./tracking.ts";
import { sourceOf, transportGrammar, transportOf } from "./transport.ts";
import { virtualMacGrammar, virtualMacOf } from "./virtual-mac.ts";

const INTERFACE_NAME_MAX = 15;

const instanceGrammar = {
  interface: text("an interface"),
  virtual_router_id: integer(1, 255),
  version: integer(2, 3),
  ...electionGrammar,
  ...authenticationGrammar,
  virtual_ipaddress: lines(),
  virtual_ipaddress_excluded: lines(),
  virtual_routes: lines(),
  virtual_rules: lines(),
  no_virtual_ipaddress: flag(),
  ...trackBlocks,
  dont_track_primary: flag(),
  track_src_ip: ignored(
    "a source address that disappears puts the virtual router into FAULT in any case",
  ),
  ...transportGrammar,
  v3_checksum_as_v2: boolean(),
  native_ipv6: obsolete("it has had no effect since keepalived 1.3"),
  ...virtualMacGrammar,
  use_ipvlan: unsupported("use_vmac gives the addresses a MAC address of their own"),
  vrf: unsupported("name an interface"),
  ...announcementGrammar,
  timer_expired_backup: ignored(
    "a karuntime that runs late listens again before it becomes master",
  ),
  thread_timer_expired: ignored(
    "a karuntime that runs late listens again before it becomes master",
  ),
  lower_prio_no_advert: boolean(),
  higher_prio_send_advert: boolean(),
  owner_ignore_adverts: boolean(),
  skip_check_adv_addr: boolean(),
  strict_mode: boolean(),
  accept: flag(),
  no_accept: flag(),
  promote_secondaries: ignored("addresses are held one by one"),
  ...instanceNotifyGrammar,
  debug: ignored("start with --log-level debug"),
  kernel_rx_buf_size: ignored("the socket's buffer is chosen to hold a flood"),
  linkbeat_use_polling: ignored("the kernel tells at once when a link goes down"),
  lvs_sync_daemon_interface: obsolete(
    "keepalived has it in global_defs as lvs_sync_daemon; there is no director yet",
  ),
} as const satisfies Grammar;

type Instance = Block<typeof instanceGrammar>;

export const instance = {
  ...block(instanceGrammar, { expected: "the instance's name", minimum: 1, maximum: 1 }),
  repeats: true,
};

/** The virtual router that an instance describes; undefined when it cannot be one, which is reported. */
export function virtualRouterOf(
  found: Instance,
  { statement, value: section }: Found<Section<typeof instanceGrammar>>,
  globals: Globals,
  tracked: Tracked,
  context: Context,
): UserVirtualRouter | undefined {
  const { report } = context;
  const name = section.parameters[0]?.text ?? "";
  const path = ["virtualRouters", name];
  markKeys(context, path, found, PLACES);

  const device = interfaceOf(found, statement, globals, context);
  const id = last(found.virtual_router_id);
  if (found.virtual_router_id === undefined)
    report.error(
      statement,
      "keepalived.no-virtual-router-id",
      `vrrp_instance ${name} has no virtual_router_id, expected one, 1 to 255`,
    );
  const addresses = addressesOf(found.virtual_ipaddress, device, context);
  const family = addresses[0]?.address.includes(":") === true ? "ipv6" : "ipv4";
  const advertised = sameFamily(addresses, family, context);
  if (advertised.length === 0)
    report.error(
      statement,
      "keepalived.no-address",
      found.no_virtual_ipaddress === undefined
        ? `vrrp_instance ${name} has no virtual address`
        : `vrrp_instance ${name} has no virtual address; karuntime needs one even with no_virtual_ipaddress`,
    );

  const strict = strictOf(found, globals, context);
  const version = versionOf(found, family, globals, context);
  const priority = priorityOf(found);
  const master = wantsMaster(found, priority, context);
  const owner = priority === OWNER_PRIORITY;
  const excluded = addressesOf(found.virtual_ipaddress_excluded, device, context);
  const transport = transportOf(found, family, globals, context);
  const track = trackOf(found, tracked, device, context);
  for (const [index, line] of advertised.entries())
    context.mark([...path, "addresses", index], line.word);
  const notify: UserVirtualRouter["notify"] = notificationsOf(found, globals.notify, context);
  const router: UserVirtualRouter = {
    interface: device ?? "",
    id: id ?? 0,
    ...(version === undefined ? {} : { version }),
    priority,
    ...present({
      advertInterval: intervalOf(found, version ?? (family === "ipv6" ? 3 : 2), context),
      missedAdvertisements: missedOf(found, strict, globals, context),
      initialState: owner && !master ? ("backup" as const) : undefined,
      startDelay: globals.startDelay,
      startDelayAfterBoot: globals.startDelayAfterBoot,
      ...preemptionOf(found, master, strict, context),
      authentication: authenticationOf(
        found,
        { name, version: version ?? (family === "ipv6" ? 3 : 2), family, strict },
        context,
      ),
      checksum:
        (last(found.v3_checksum_as_v2) ?? globals.checksumAsVersion2)
          ? ("message" as const)
          : undefined,
      ...transport,
      sourceAddress: sourceOf(found, family, context),
      virtualMac: virtualMacOf(found, strict, context),
    }),
    addresses: advertised.map((line) => line.value),
    ...(excluded.length > 0 ? { excludedAddresses: excluded.map((line) => line.value) } : {}),
    ...present({
      routes: linesOf(found.virtual_routes, (line) => readRouteLine(line, context)),
      rules: linesOf(found.virtual_rules, (line) => readRuleLine(line, report)),
      accept: acceptOf(found, strict, owner, context),
      strict: strict ? true : undefined,
      track:
        Object.keys(track).length > 0 || found.dont_track_primary !== undefined
          ? { ...track, ...(found.dont_track_primary === undefined ? {} : { interface: false }) }
          : undefined,
      gratuitousArp: announcementOf(
        found,
        { device: device ?? "", family, strict, globals },
        context,
      ),
      answerLowerPriority:
        (last(found.lower_prio_no_advert) ?? globals.lowerPriorityNoAdvert) === true
          ? false
          : undefined,
      advertiseBeforeYielding:
        !strict && (last(found.higher_prio_send_advert) ?? globals.higherPrioritySendAdvert)
          ? true
          : undefined,
      ownerIgnoresAdvertisements:
        (last(found.owner_ignore_adverts) ?? globals.ownerIgnoreAdverts ?? strict) && owner
          ? true
          : undefined,
      notify: notify.length > 0 ? notify : undefined,
    }),
  };
  // Everything was read all the same, so that everything wrong with it is said.
  const usable = device !== undefined && id !== undefined && advertised.length > 0;
  return usable ? router : undefined;
}

/** Where what the configuration says under a key was written. */
const PLACES = {
  interface: "interface",
  virtual_router_id: "id",
  priority: "priority",
  version: "version",
  advert_int: "advertInterval",
  authentication: "authentication",
  auth_hmac: "authentication",
  virtual_ipaddress: "addresses",
  virtual_ipaddress_excluded: "excludedAddresses",
  virtual_routes: "routes",
  virtual_rules: "rules",
  preempt_delay: "preemptDelay",
  unicast_peer: "unicast",
  mcast_src_ip: "sourceAddress",
  unicast_src_ip: "sourceAddress",
  mcast_dst_ip: "multicast",
  use_vmac: "virtualMac",
  strict_mode: "strict",
  nopreempt: "preempt",
  down_timer_adverts: "missedAdvertisements",
  no_accept: "accept",
  track_script: "track.checks",
  track_interface: "track.interfaces",
  track_file: "track.files",
  track_process: "track.processes",
  notify_master: "notify",
  garp_master_delay: "gratuitousArp",
} as const;

function strictOf(found: Instance, globals: Globals, { report }: Context): boolean {
  const strict = last(found.strict_mode) ?? globals.strict;
  const unicast = found.unicast_peer?.at(-1);
  if (!strict || unicast === undefined) return strict;
  report.error(
    unicast.statement,
    "keepalived.strict",
    "vrrp_strict allows no unicast_peer; leniently read, the peers stay and strictness goes",
  );
  return false;
}

function interfaceOf(
  found: Instance,
  statement: Statement,
  globals: Globals,
  { report, host }: Context,
): string | undefined {
  const word = last(found.interface);
  const name = word?.text ?? globals.defaultInterface;
  if (name === undefined) {
    if (found.interface === undefined)
      report.error(
        statement,
        "keepalived.no-interface",
        `vrrp_instance ${statement.parameters[0]?.text ?? ""} has no interface, expected one`,
      );
    return undefined;
  }
  const at = word ?? statement;
  if (name.length > INTERFACE_NAME_MAX || name.includes("/")) {
    report.error(
      at,
      "keepalived.value",
      `found the interface ${JSON.stringify(name)}, expected a name of at most ${INTERFACE_NAME_MAX} characters`,
    );
    return undefined;
  }
  if (name === "lo") {
    report.error(at, "keepalived.value", "found the loopback interface, which carries no VRRP");
    return undefined;
  }
  if (!host.interfaces().has(name))
    report.warning(
      at,
      "keepalived.no-such-interface",
      `there is no interface ${name} on this host${globals.dynamicInterfaces ? "" : "; keepalived does not start"}`,
      "karuntime waits in FAULT until there is one",
    );
  return name;
}

function addressesOf(
  blocks: readonly Found<readonly Statement[]>[] | undefined,
  device: string | undefined,
  context: Context,
): AddressLine[] {
  const { report } = context;
  const addresses: AddressLine[] = [];
  for (const statement of (blocks ?? []).flatMap(({ value }) => value)) {
    const line = readAddressLine(statement, device, context);
    if (line === undefined) continue;
    if (addresses.some(({ address }) => address === line.address))
      report.warning(line.word, "keepalived.repeated", `${line.address} is listed again`);
    else addresses.push(line);
  }
  return addresses;
}

function sameFamily(
  addresses: readonly AddressLine[],
  family: "ipv4" | "ipv6",
  { report }: Context,
): AddressLine[] {
  return addresses.filter(({ address, word }) => {
    if (address.includes(":") === (family === "ipv6")) return true;
    report.error(
      word,
      "keepalived.family",
      `found ${address} in a list that begins with ${family === "ipv6" ? "IPv6" : "IPv4"}, expected one family`,
      "put it under virtual_ipaddress_excluded, which takes both",
    );
    return false;
  });
}

function versionOf(
  found: Instance,
  family: "ipv4" | "ipv6",
  globals: Globals,
  { report }: Context,
): 2 | 3 | undefined {
  const own = found.version?.at(-1);
  if (family === "ipv6") {
    if (own?.value === 2)
      report.error(
        own.statement,
        "keepalived.version",
        "found version 2 with IPv6 addresses, which no standard has; version 3 is used",
      );
    return undefined;
  }
  return (own?.value ?? globals.version) === 3 ? 3 : undefined;
}

function acceptOf(
  found: Instance,
  strict: boolean,
  owner: boolean,
  { report }: Context,
): boolean | undefined {
  const no = found.no_accept?.at(-1);
  if (no !== undefined && found.accept === undefined) return false;
  if (found.accept !== undefined) return strict && !owner ? true : undefined;
  if (strict && !owner) {
    const at = found.virtual_ipaddress?.[0] ?? found.strict_mode?.[0];
    if (at !== undefined)
      report.warning(
        at.statement,
        "keepalived.strict-drops",
        "vrrp_strict: packets to these addresses are dropped by this host while it is master, so nobody can ping or connect to them",
        "take vrrp_strict out, or write accept in this vrrp_instance",
      );
    return false;
  }
  return undefined;
}

function linesOf<T>(
  blocks: readonly Found<readonly Statement[]>[] | undefined,
  read: (line: Statement) => T | undefined,
): T[] | undefined {
  const values = (blocks ?? [])
    .flatMap(({ value }) => value)
    .map(read)
    .filter((value) => value !== undefined);
  return values.length > 0 ? values : undefined;
}
