/** What a definition's permissions allow. What they do not is denied in the words of the sandbox. */
import type { Permissions, ServiceAction } from "../index.ts";

/** Thrown for what the permissions do not list. */
export class DeniedError extends Error {}

/** Each method throws a DeniedError when that is not permitted. */
export interface Grant {
  count(name: string): void;
  service(name: string, action: ServiceAction): void;
  connect(place: string): void;
  exec(argv: readonly string[]): void;
  mail(): void;
  read(path: string): void;
  system(): void;
  udp(place: string): void;
  dns(server: string): void;
  ping(host: string): void;
  store(): void;
  metrics(): void;
  secret(name: string): void;
}

/**
 * @param options that stand for `{name}` in the permissions.
 * @param target what a checker looks at, and may connect to.
 */
export function createGrant(
  permissions: Permissions,
  options: Readonly<Record<string, unknown>>,
  target: string | undefined,
): Grant {
  const text = (template: string): string =>
    template.replaceAll(/\{(\w+)\}/g, (whole, name: string) =>
      Object.hasOwn(options, name) ? String(options[name]) : whole,
    );
  const place = (template: string): string => {
    const filled = text(template);
    return /^\{\w+\}$/.test(template) ? (placeOfUrl(filled) ?? filled) : filled;
  };
  const texts = (given: readonly string[] = []): readonly string[] => given.map(text);
  const services = new Map(
    Object.entries(permissions.services ?? {}).map(([name, actions]) => [text(name), actions]),
  );
  const net = [...(permissions.net ?? []).map(place), ...(target === undefined ? [] : [target])];
  const commands = (permissions.exec ?? []).map((argv) => argv.map(text));

  return {
    count(name) {
      if (!texts(permissions.processes).includes(name))
        deny(`to count ${quote(name)}`, `processes: [${quote(name)}]`);
    },
    service(name, action) {
      if (services.get(name)?.includes(action) !== true)
        deny(`to ${action} ${name}`, `services: { ${quote(name)}: [${quote(action)}] }`);
    },
    connect(asked) {
      if (!lists(net, asked)) deny(`to connect to ${asked}`, `net: [${quote(asked)}]`);
    },
    exec(argv) {
      if (!commands.some((command) => covers(command, argv)))
        deny(`to run ${argv.join(" ")}`, `exec: [${JSON.stringify(argv)}]`);
    },
    mail() {
      if (permissions.mail !== true) deny("to send mail", "mail: true");
    },
    read(path) {
      const granted = texts(permissions.files).some((entry) =>
        entry.endsWith("/") ? path.startsWith(entry) : path === entry,
      );
      const dots = path.split("/").some((part) => part === ".." || part === ".");
      if (!granted || dots)
        throw new DeniedError(
          `not permitted: to read ${path}; add it to the plugin: permissions: { files: [${quote(path)}] }`,
        );
    },
    system() {
      if (permissions.system !== true) deny("to ask how busy the machine is", "system: true");
    },
    udp(asked) {
      if (!lists(texts(permissions.udp), asked))
        deny(`to send datagrams to ${asked}`, `udp: [${quote(asked)}]`);
    },
    dns(server) {
      if (!texts(permissions.dns).includes(server))
        deny(`to ask the DNS server ${server}`, `dns: [${quote(server)}]`);
    },
    ping(host) {
      if (!lists(texts(permissions.ping), host)) deny(`to ping ${host}`, `ping: [${quote(host)}]`);
    },
    store() {
      if (permissions.store !== true) deny("to keep something", "store: true");
    },
    metrics() {
      if (permissions.metrics !== true) deny("to publish metrics", "metrics: true");
    },
    secret(name) {
      if (!texts(permissions.secrets).includes(name))
        deny(`to read the secret ${quote(name)}`, `secrets: [${quote(name)}]`);
    },
  };
}

/** "host:port" of an http or https URL; undefined when it is none. */
export function placeOfUrl(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) return undefined;
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  return `${url.hostname}:${port}`;
}

function deny(wish: string, line: string): never {
  throw new DeniedError(`not permitted: ${wish}, add it to the plugin: permissions: { ${line} }`);
}

function lists(granted: readonly string[], asked: string): boolean {
  return granted.some((entry) => entry.toLowerCase() === asked.toLowerCase());
}

/** Word for word; a last "..." allows further ones. */
function covers(command: readonly string[], argv: readonly string[]): boolean {
  const open = command.at(-1) === "...";
  const fixed = open ? command.slice(0, -1) : command;
  return (
    fixed.length > 0 &&
    (open ? argv.length >= fixed.length : argv.length === fixed.length) &&
    fixed.every((word, index) => argv[index] === word)
  );
}

function quote(text: string): string {
  return JSON.stringify(text);
}
