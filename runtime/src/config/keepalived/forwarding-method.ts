/** `lb_kind` and `persistence_granularity`: how packets reach real servers. */
import type { UserForwardingMethod } from "../define-director.ts";
import type { Keyword, Report } from "./keyword.ts";
import { custom, integerOf, required } from "./keyword.ts";
import type { Word } from "./word.ts";

/** `NAT`, `DR`, `TUN [type ipip|gue port N|gre] [nocsum|csum|remcsum]` */
export const method: Keyword<UserForwardingMethod> = custom((statement, report) => {
  const word = required(statement, 0, "NAT, DR or TUN", report);
  if (word === undefined) return undefined;
  if (word.text === "NAT" || word.text === "DR") {
    const [, extra] = statement.parameters;
    if (extra !== undefined)
      report.error(
        extra,
        "keepalived.unknown-word",
        `found ${JSON.stringify(extra.text)}, which ${word.text} does not have; it is left out`,
      );
    return word.text;
  }
  if (word.text !== "TUN") {
    report.error(
      word,
      "keepalived.value",
      `found ${JSON.stringify(word.text)}, expected NAT, DR or TUN`,
    );
    return undefined;
  }
  return tunnelOf(statement.parameters.slice(1), report);
});

function tunnelOf(parameters: readonly Word[], report: Report): UserForwardingMethod | undefined {
  const tunnel: {
    type: "TUN";
    encapsulation?: "ipip" | "gre" | "gue";
    port?: number;
    checksum?: "none" | "checksum" | "remote";
  } = { type: "TUN" };
  const CHECKSUMS: Readonly<Record<string, "none" | "checksum" | "remote">> = {
    nocsum: "none",
    csum: "checksum",
    remcsum: "remote",
  };
  for (let index = 0; index < parameters.length; index++) {
    const word = parameters[index];
    const next = parameters[index + 1];
    if (word === undefined) break;
    const checksum = CHECKSUMS[word.text];
    const kind = (["ipip", "gre", "gue"] as const).find((name) => name === next?.text);
    if (checksum !== undefined) tunnel.checksum = checksum;
    else if (word.text === "type" && kind !== undefined) {
      tunnel.encapsulation = kind;
      index++;
    } else if (word.text === "port" && next !== undefined) {
      const port = integerOf(next, 1, 65_535, report);
      if (port !== undefined) tunnel.port = port;
      index++;
    } else {
      report.error(
        word,
        "keepalived.unknown-word",
        `found ${JSON.stringify(word.text)}, which TUN does not have`,
      );
      return undefined;
    }
  }
  if (tunnel.encapsulation === "gue" && tunnel.port === undefined) {
    const [first] = parameters;
    if (first !== undefined)
      report.error(first, "keepalived.value", "found gue without a port, which it needs");
    return undefined;
  }
  return Object.keys(tunnel).length === 1 ? "TUN" : tunnel;
}

/** A netmask, or the length of a prefix. */
export const granularity: Keyword<number> = custom((statement, report) => {
  const word = required(
    statement,
    0,
    "a netmask such as 255.255.255.0, or a prefix length",
    report,
  );
  if (word === undefined) return undefined;
  const mask = /^\d+\.\d+\.\d+\.\d+$/.test(word.text)
    ? word.text
        .split(".")
        .map((part) => Number(part).toString(2).padStart(8, "0"))
        .join("")
    : undefined;
  if (mask === undefined) return integerOf(word, 1, 128, report);
  if (/^1+0*$/.test(mask) && mask.length === 32)
    return mask.indexOf("0") < 0 ? 32 : mask.indexOf("0");
  report.error(
    word,
    "keepalived.value",
    `found the mask ${word.text}, expected ones and then zeros`,
  );
  return undefined;
});
