/** Addresses and ports of virtual and real servers, and the lines of a `virtual_server_group`. */
import { parseAddress } from "../../packet/address.ts";
import type { UserVirtualService } from "../define-director.ts";
import type { Keyword, Report, Statement } from "./keyword.ts";
import { custom, integerOf, required } from "./keyword.ts";
import type { Word } from "./word.ts";

/** An address and nothing else. */
export const address: Keyword<Word> = custom((statement, report) => {
  const word = required(statement, 0, "an address", report);
  if (word === undefined || parseAddress(word.text) !== undefined) return word;
  report.error(
    word,
    "keepalived.address",
    `found ${JSON.stringify(word.text)}, expected an address`,
  );
  return undefined;
});

/** "ADDRESS:PORT", or undefined, reported. */
export function endpointOf(host: Word, port: Word | undefined, report: Report): string | undefined {
  // keepalived takes a prefix length here as well, and makes nothing of it.
  const bare = host.text.replace(/\/\d+$/, "");
  const parsed = parseAddress(bare);
  if (parsed === undefined) {
    report.error(
      host,
      "keepalived.address",
      `found ${JSON.stringify(host.text)}, expected an address`,
    );
    return undefined;
  }
  const shown = parsed.includes(":") ? `[${bare}]` : bare;
  if (port === undefined) return shown;
  const number = integerOf(port, 0, 65_535, report);
  return number === undefined ? undefined : number === 0 ? shown : `${shown}:${number}`;
}

/** `IP [PORT]`, `A-B [PORT]`, `a.b.c.d-e [PORT]`, `fwmark N [inet|inet6]` */
export function groupLine(line: Statement, report: Report): UserVirtualService[] {
  const { keyword, parameters } = line;
  const [first, second] = parameters;
  if (keyword.text === "fwmark") {
    const mark = first === undefined ? undefined : integerOf(first, 1, 0xffff_ffff, report);
    const family = { inet: "ipv4", inet6: "ipv6" }[second?.text ?? ""] as
      | "ipv4"
      | "ipv6"
      | undefined;
    return mark === undefined ? [] : [{ mark, ...(family === undefined ? {} : { family }) }];
  }
  const [from = "", to] = keyword.text.split("-");
  if (to === undefined) {
    const service = endpointOf(keyword, first, report);
    return service === undefined ? [] : [service];
  }
  const end = parseAddress(to) === undefined ? from.replace(/[^.:]*$/, to) : to;
  const port = first === undefined ? undefined : integerOf(first, 0, 65_535, report);
  if (parseAddress(from) === undefined || parseAddress(end) === undefined) {
    report.error(
      keyword,
      "keepalived.address",
      `found the range ${JSON.stringify(keyword.text)}, expected addresses such as 192.0.2.1-192.0.2.9`,
    );
    return [];
  }
  return [{ first: from, last: end, ...(port === undefined || port === 0 ? {} : { port }) }];
}
