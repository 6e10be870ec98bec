/** From what a plugin asks for to what it is given: options filled in, and held against what the operator grants. */
import type { CheckTarget, JsonValue, Permissions } from "../sandbox/protocol.ts";

const PLACEHOLDER = /\{(\w+)\}/g;

/**
 * What a plugin asks for with these options: `{name}` in a permission stands for the option's value, in `net` also for the
 * host and port of a URL. So a plugin asks for the address that the operator configures, and for no other.
 */
export function fillIn(
  permissions: Permissions,
  options: Readonly<Record<string, JsonValue>>,
): Permissions {
  const value = (name: string): string | undefined =>
    Object.hasOwn(options, name) ? String(options[name]) : undefined;
  const text = (template: string): string =>
    template.replaceAll(PLACEHOLDER, (whole, name: string) => value(name) ?? whole);
  const place = (template: string): string => {
    const [, name] = /^\{(\w+)\}$/.exec(template) ?? [];
    const filled = text(template);
    return name === undefined ? filled : (placeOfUrl(filled) ?? filled);
  };
  return {
    ...permissions,
    processes: permissions.processes.map(text),
    services: Object.fromEntries(
      Object.entries(permissions.services).map(([name, actions]) => [text(name), actions]),
    ),
    net: permissions.net.map(place),
    exec: permissions.exec.map((argv) => argv.map(text)),
    files: permissions.files.map(text),
    udp: permissions.udp.map(text),
    dns: permissions.dns.map(text),
    ping: permissions.ping.map(text),
    secrets: permissions.secrets.map(text),
  };
}

/** A checker may connect to what it is to look at. */
export function withTarget(grant: Permissions, target: CheckTarget | null): Permissions {
  if (target === null) return grant;
  const { address, port } = target;
  const place = `${address.includes(":") ? `[${address}]` : address}:${port}`;
  return { ...grant, net: [...grant.net, place] };
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
