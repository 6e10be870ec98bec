/** From what a plugin asks for to what it is given: options filled in, and held against what the operator grants. */
import type { CheckTarget, JsonValue, Permissions } from "../sandbox/protocol.ts";

const PLACEHOLDER = /\{(\w+)\}/g;
/** An option that is a whole entry; with "..." each of a list. */
const ENTRY = /^\{(\w+)(\.\.\.)?\}$/;

/**
 * What a plugin asks for with these options: `{name}` in a permission stands for the option's value, in `net` also for the
 * host and port of a URL, and `{name...}` for each text of a list. An entry that comes out empty asks for nothing. So a
 * plugin asks for the address that the operator configures, and for no other.
 */
export function fillIn(
  permissions: Permissions,
  options: Readonly<Record<string, JsonValue>>,
): Permissions {
  const value = (name: string): JsonValue | undefined =>
    Object.hasOwn(options, name) ? options[name] : undefined;
  const words = (template: string): readonly string[] => {
    const [, name = "", each] = ENTRY.exec(template) ?? [];
    const list = each === undefined ? undefined : value(name);
    if (Array.isArray(list)) return list.map(String);
    return [
      template.replaceAll(PLACEHOLDER, (whole, name: string) => {
        const given = value(name);
        return given === undefined || Array.isArray(given) ? whole : String(given);
      }),
    ];
  };
  const entries = (templates: readonly string[]): readonly string[] =>
    templates.flatMap(words).filter((text) => text !== "");
  const places = (template: string): readonly string[] =>
    ENTRY.test(template)
      ? entries([template]).map((text) => placeOfUrl(text) ?? text)
      : words(template);
  return {
    ...permissions,
    processes: entries(permissions.processes),
    services: Object.fromEntries(
      Object.entries(permissions.services).flatMap(([name, actions]) =>
        entries([name]).map((service) => [service, actions]),
      ),
    ),
    net: permissions.net.flatMap(places),
    // A command may have an empty argument.
    exec: permissions.exec.map((argv) => argv.flatMap(words)),
    files: entries(permissions.files),
    udp: entries(permissions.udp),
    dns: entries(permissions.dns),
    ping: entries(permissions.ping),
    secrets: entries(permissions.secrets),
  };
}

/** A checker may speak to what it is to look at, in whatever protocol. */
export function withTarget(grant: Permissions, target: CheckTarget | null): Permissions {
  if (target === null) return grant;
  const { place } = target;
  return {
    ...grant,
    net: [...grant.net, place],
    udp: [...grant.udp, place],
    dns: [...grant.dns, place],
  };
}

/** "host:port" of an http or https URL; undefined when it is none. */
function placeOfUrl(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) return undefined;
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  return `${url.hostname}:${port}`;
}

/** What is asked for and not granted; empty when the grant covers it. In the same form, so that it can be shown as the lines to add. */
export function uncovered(
  wanted: Permissions,
  granted: Permissions,
): Readonly<Record<string, unknown>> {
  const missing: Record<string, unknown> = {};
  for (const [name, wish] of Object.entries(wanted)) {
    const given: unknown = granted[name as keyof Permissions];
    if (typeof wish === "boolean") {
      if (wish && given !== true) missing[name] = true;
    } else if (Array.isArray(wish)) {
      const known = new Set((given as readonly unknown[]).map((entry) => JSON.stringify(entry)));
      const left = wish.filter((entry) => !known.has(JSON.stringify(entry)));
      if (left.length > 0) missing[name] = left;
    } else {
      const left = missingActions(
        wish as Permissions["services"],
        given as Permissions["services"],
      );
      if (Object.keys(left).length > 0) missing[name] = left;
    }
  }
  return missing;
}

function missingActions(
  wanted: Permissions["services"],
  granted: Permissions["services"],
): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    Object.entries(wanted)
      .map(([service, actions]): [string, readonly string[]] => {
        const given = Object.hasOwn(granted, service) ? granted[service] : undefined;
        return [service, actions.filter((action) => given?.includes(action) !== true)];
      })
      .filter(([, actions]) => actions.length > 0),
  );
}

/** The permissions as a person writes them: without those that allow nothing, sorted by name. */
export function asWritten(permissions: Permissions): Partial<Permissions> {
  return Object.fromEntries(
    Object.entries(permissions)
      .filter(([, wish]) => (typeof wish === "boolean" ? wish : Object.keys(wish).length > 0))
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}
