/** What is wrong with the answer of a DNS server. */
import type { DnsAnswer } from "@karuntime/sdk";

/** What an answer has to be. */
export interface Expected {
  /** The type that was asked for. */
  readonly type: string;
  /** Such as "NOERROR". */
  readonly rcode: string;
  /** The data of one of its records; "" for any answer. */
  readonly answer: string;
}

/** The reason to call the server down; undefined when there is none. */
export function faultOf({ rcode, answers }: DnsAnswer, expected: Expected): string | undefined {
  if (rcode !== expected.rcode) return `it says ${rcode}, expected ${expected.rcode}`;
  if (expected.answer === "") return undefined;
  const found = answers
    .filter(({ type }) => type === expected.type)
    .map(({ data }) => textOf(data));
  if (found.includes(expected.answer)) return undefined;
  return `it has ${found.join(", ") || "no record"}, expected ${expected.answer}`;
}

/** A record's data as zone files have it: the fields of an MX or SRV record with blanks between them. */
function textOf(data: string | object): string {
  return typeof data === "string" ? data : Object.values(data).join(" ");
}
