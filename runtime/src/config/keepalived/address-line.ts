/** The lines of `virtual_ipaddress`, `virtual_ipaddress_excluded` and `static_ipaddress`. */
import { parseAddress } from "../../packet/address.ts";
import { parsePrefix } from "../values.ts";
import type { UserAddress } from "../define.ts";
import type { Context } from "./context.ts";
import type { Report, Statement } from "./keyword.ts";
import { integerOf } from "./keyword.ts";
import type { Word } from "./word.ts";
import { wordsOfLine } from "./word-list.ts";

const UINT32 = 0xffff_ffff;
const LABEL_MAX = 15;

export interface AddressLine {
  readonly address: string;
  readonly value: UserAddress;
  readonly word: Word;
}

/** What the words of an address line say one after the other. */
interface AddressDetails {
  device?: string;
  label?: string;
  scope?: "global" | "site" | "link" | "host";
  broadcast?: string;
  peer?: string;
  preferredSeconds?: number;
  noPrefixRoute?: boolean;
  detectDuplicates?: boolean;
}

const SCOPES: Readonly<Record<string, AddressDetails["scope"]>> = {
  global: "global",
  "0": "global",
  site: "site",
  "200": "site",
  link: "link",
  "253": "link",
  host: "host",
  "254": "host",
};

/** Reads an address line, or reports why it is of no use. @param defaultDevice the interface that needs no mention. */
export function readAddressLine(
  statement: Statement,
  defaultDevice: string | undefined,
  { report, host }: Context,
): AddressLine | undefined {
  const words = wordsOfLine(statement, report);
  const word = statement.keyword;
  words.next();
  const prefix = prefixOf(word, report);
  if (prefix === undefined) return undefined;
  const ipv6 = prefix.includes(":");
  const details: AddressDetails = {};
  let dropped = false;
  for (let option = words.next(); option !== undefined; option = words.next()) {
    const parameter = (expected: string): string | undefined => {
      const found = words.parameter(option as Word, expected);
      if (found === undefined) dropped = true;
      return found?.text;
    };
    switch (option.text) {
      case "dev": {
        const device = parameter("an interface");
        if (device === undefined || device === defaultDevice) break;
        details.device = device;
        if (!host.interfaces().has(device))
          report.warning(
            option,
            "keepalived.no-such-interface",
            `there is no interface ${device} on this host; keepalived leaves the address out`,
          );
        break;
      }
      case "label": {
        const label = parameter("a label");
        if (label === undefined) break;
        if (ipv6)
          report.error(
            option,
            "keepalived.value",
            "found a label, which IPv6 does not have; it is left out",
          );
        else if (label.length > LABEL_MAX) {
          report.error(
            option,
            "keepalived.value",
            `found the label ${JSON.stringify(label)}, expected at most ${LABEL_MAX} characters; keepalived drops the address`,
          );
          dropped = true;
        } else details.label = label;
        break;
      }
      case "scope": {
        const name = parameter("a scope") ?? "";
        const scope = Object.hasOwn(SCOPES, name) ? SCOPES[name] : undefined;
        if (scope === undefined)
          report.error(
            option,
            "keepalived.value",
            `found the scope ${JSON.stringify(name)}, expected global, site, link or host`,
          );
        else if (ipv6)
          report.warning(
            option,
            "keepalived.no-effect",
            "found a scope; the kernel gives IPv6 addresses theirs",
          );
        else details.scope = scope;
        break;
      }
      case "brd":
      case "broadcast": {
        const given = parameter("an address, + or -");
        const broadcast = given === undefined ? undefined : broadcastOf(prefix, given);
        if (broadcast === undefined) {
          report.error(
            option,
            "keepalived.value",
            `found the broadcast address ${JSON.stringify(given)} for ${prefix}, expected an IPv4 address, or + or - with a prefix of at most 30; keepalived drops the address`,
          );
          dropped = true;
        } else details.broadcast = broadcast;
        break;
      }
      case "peer": {
        const peer = parameter("the other end's address");
        const parsed = peer === undefined ? undefined : parsePrefix(peer);
        if (parsed === undefined) dropped = true;
        else details.peer = parsed.address;
        break;
      }
      case "preferred_lft": {
        const time = words.parameter(option, "a number of seconds, or forever");
        if (time === undefined || time.text === "forever") break;
        const value = integerOf(time, 0, UINT32, report);
        if (value !== undefined) details.preferredSeconds = value;
        break;
      }
      case "-nodad":
        details.detectDuplicates = true;
        break;
      case "noprefixroute":
        details.noPrefixRoute = true;
        break;
      case "no_track":
        report.warning(
          option,
          "keepalived.no-effect",
          "no_track has no effect: an address that somebody else removes is put back, whatever the others do",
        );
        break;
      case "home":
      case "mngtmpaddr":
      case "autojoin":
        report.warning(option, "keepalived.no-effect", `${option.text} has no effect here`);
        break;
      case "use_vmac":
        report.error(
          option,
          "keepalived.unsupported",
          "use_vmac for a single address is not supported: it goes on the virtual router's interface",
        );
        break;
      case "track_group":
        parameter("a group");
        report.warning(
          option,
          "keepalived.no-effect",
          "track_group has no effect: static addresses that disappear are not tracked",
        );
        break;
      default:
        report.error(
          option,
          "keepalived.unknown-word",
          `found ${JSON.stringify(option.text)}, which an address line does not have; it is left out`,
        );
    }
  }
  if (dropped) return undefined;
  const value = Object.keys(details).length === 0 ? prefix : { address: prefix, ...details };
  return { address: prefix.split("/")[0] ?? prefix, value, word };
}

/** The address with the prefix length it gets: without one, or with a wrong one, that of the address alone. */
function prefixOf(word: Word, report: Report): string | undefined {
  const [host = "", length, ...rest] = word.text.split("/");
  const address = parseAddress(host);
  if (address === undefined || rest.length > 0) {
    report.error(
      word,
      "keepalived.address",
      `found ${JSON.stringify(word.text)}, expected an address such as 192.0.2.10/24; keepalived leaves it out`,
    );
    return undefined;
  }
  const most = address.includes(":") ? 128 : 32;
  if (length === undefined) {
    report.warning(
      word,
      "keepalived.no-prefix",
      `${word.text} has no prefix length, so it gets /${most}: hosts of its network are not reached through it`,
      `that is fine beside another address of this network; otherwise write ${word.text}/${most === 32 ? 24 : 64} or whatever your network has`,
    );
    return word.text;
  }
  const number = /^\d+$/.test(length) ? Number(length) : Number.NaN;
  if (number >= 0 && number <= most) return word.text;
  report.error(
    word,
    "keepalived.address",
    `found the prefix length ${JSON.stringify(length)}, expected 0 to ${most}; keepalived takes /${most}`,
  );
  return host;
}

function broadcastOf(prefix: string, given: string): string | undefined {
  const [host = "", length = "32"] = prefix.split("/");
  if (given !== "+" && given !== "-")
    return parseAddress(given)?.includes(":") === false ? given : undefined;
  const bits = Number(length);
  if (host.includes(":") || bits > 30) return undefined;
  const address = host.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - bits);
  const network = Math.floor(address / size) * size;
  const broadcast = given === "+" ? network + size - 1 : network;
  return [24, 16, 8, 0].map((shift) => Math.floor(broadcast / 2 ** shift) % 256).join(".");
}
