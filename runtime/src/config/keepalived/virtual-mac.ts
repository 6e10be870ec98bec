/** `use_vmac` and what belongs to it. */
import type { UserVirtualRouter } from "../define.ts";
import type { Context } from "./context.ts";
import { present } from "./context.ts";
import type { Block, Grammar } from "./keyword.ts";
import { flag, last, unsupported, words } from "./keyword.ts";

export const virtualMacGrammar = {
  use_vmac: words("", 0),
  use_vmac_addr: unsupported("all addresses are on the virtual router's one interface: use_vmac"),
  vmac_xmit_base: flag(),
} as const satisfies Grammar;

/** Whether and how a virtual router has a MAC address of its own. */
export function virtualMacOf(
  found: Block<typeof virtualMacGrammar>,
  strict: boolean,
  { report }: Context,
): UserVirtualRouter["virtualMac"] {
  const given = last(found.use_vmac);
  if (given === undefined) return undefined;
  let name: string | undefined;
  let address: string | undefined;
  for (let index = 0; index < given.length; index++) {
    const word = given[index];
    if (word === undefined) break;
    if (word.text === "netlink_notify_msg") continue;
    if (word.text === "group") {
      index++;
      report.error(
        word,
        "keepalived.unsupported",
        "an interface group for use_vmac is not supported",
      );
    } else if (word.text.includes(":")) {
      if (/^(?:[0-9a-f]{1,2}:){5}[0-9a-f]{1,2}$/i.test(word.text))
        address = word.text
          .split(":")
          .map((octet) => octet.padStart(2, "0").toLowerCase())
          .join(":");
      else
        report.error(
          word,
          "keepalived.value",
          `found ${JSON.stringify(word.text)}, expected six octets as in 00:00:5e:00:01:33`,
        );
    } else if (word.text !== "name") name = word.text;
  }
  const base = found.vmac_xmit_base?.at(-1);
  if (strict && (base !== undefined || address !== undefined))
    report.error(
      base?.statement ?? given[0] ?? { file: "", line: 1, column: 1, lineText: "" },
      "keepalived.strict",
      "vrrp_strict allows neither vmac_xmit_base nor a MAC address; they are left out",
    );
  const details = present({
    interface: name,
    address: strict ? undefined : address,
    sendFrom: base === undefined || strict ? undefined : ("base" as const),
  });
  return Object.keys(details).length === 0 ? true : details;
}
