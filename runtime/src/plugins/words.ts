/** What a plugin may do, in words for who decides on it. Its own texts are shown so that they cannot pass for ours. */
import type { Permissions } from "../sandbox/protocol.ts";

/** One line for each thing that the permissions allow; none when they allow nothing. */
export function inWords(permissions: Permissions): readonly string[] {
  const { processes, services, net, exec, mail, files, system } = permissions;
  const { udp, dns, ping, store, metrics, secrets } = permissions;
  return [
    ...(processes.length > 0 ? [`count processes named ${processes.map(value).join(", ")}`] : []),
    ...Object.entries(services).map(
      ([name, actions]) =>
        `${actions.map((action) => (action === "status" ? "ask the status of" : action)).join(", ")} the service ${value(name)}`,
    ),
    ...net.map((place) => `connect to ${address(place)}`),
    ...udp.map((place) => `send datagrams to ${address(place)}`),
    ...dns.map((server) =>
      server === "system"
        ? "ask the DNS server that this host itself asks"
        : `ask the DNS server at ${address(server)}`,
    ),
    ...ping.map((host) => `ping ${address(host)}`),
    ...exec.map(command),
    ...files.map((path) =>
      path.endsWith("/")
        ? `read everything beneath ${value(path)}`
        : `read the file ${value(path)}`,
    ),
    ...secrets.map((name) => `read the secret ${value(name)} of the configuration`),
    ...(mail ? ["send mail to the receivers that you configure"] : []),
    ...(system ? ["see how busy the machine is"] : []),
    ...(store ? ["keep texts from one invocation to the next"] : []),
    ...(metrics ? ["publish numbers"] : []),
  ];
}

/** The same as one sentence: "connect to the address that you configure; nothing else". */
export function inOneLine(permissions: Permissions): string {
  const lines = inWords(permissions);
  return lines.length === 0 ? "nothing" : `${lines.join("; ")}; nothing else`;
}

function address(text: string): string {
  const fromOptions = /^(?:\{\w+\}(?::\{\w+\})?)$/.test(text);
  return fromOptions ? `the address that you configure (${options(text)})` : value(text);
}

function command(argv: readonly string[]): string {
  const open = argv.at(-1) === "...";
  const words = (open ? argv.slice(0, -1) : argv).map(value).join(" ");
  return `run ${words}${open ? " with any further arguments" : ""}, outside the sandbox`;
}

function value(text: string): string {
  return /\{\w+\}/.test(text) ? `${shown(text)} (${options(text)})` : shown(text);
}

/** A text that somebody else chose: a blank, a line's end or a letter that only looks like another one is seen as what it is. */
export function shown(text: string): string {
  return /^[\u0021-\u007e]+$/.test(text) ? text : escaped(text);
}

/** In quotes, and only what is on every keyboard. */
export function escaped(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[^\u0020-\u007e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function options(text: string): string {
  const names = [...text.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  return `${names.length === 1 ? "option" : "options"} ${names.join(" and ")}`;
}
