/**
 * Questions to DNS servers and what they answer (RFC 1035 section 4). Names and data are read by dns-packet; which of
 * them are there, and whether they are an answer to the question at all, is looked at here, since anybody may have sent it.
 */
import { randomInt } from "node:crypto";
import dnsPacket from "dns-packet";

const HEADER_OCTETS = 12;
const FLAG_RESPONSE = 0x8000;
const FLAG_AUTHORITATIVE = 0x0400;
const FLAG_TRUNCATED = 0x0200;
const CODE = 0x000f;
const NAME_CHARACTERS_MAX = 253;
const RECORDS_MAX = 200;
/** Of the records as the guest gets them: names are short in a message, where one points to another. */
const CHARACTERS_MAX = 64 * 1024;
const TYPE_MAX = 0xffff;
/** Sections 3.2.2 and 4.1.2: types of questions that are no types of records; transfers of whole zones among them. */
const QUESTION_TYPES_MIN = 249;
const QUESTION_TYPES_MAX = 255;
/** Section 4.1.1; RFC 2136 section 2.2. */
const CODES = [
  "NOERROR",
  "FORMERR",
  "SERVFAIL",
  "NXDOMAIN",
  "NOTIMP",
  "REFUSED",
  "YXDOMAIN",
  "YXRRSET",
  "NXRRSET",
  "NOTAUTH",
  "NOTZONE",
];
/** Those whose data is told in words; of any other, the octets are, in hex. */
const TYPES: Readonly<Record<string, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  CAA: 257,
};
const NAMES = new Map(Object.entries(TYPES).map(([name, number]) => [number, name]));

export interface Question {
  /** The whole message. */
  readonly octets: Buffer;
}

/** As the guest gets it: plain data. */
export interface DnsAnswer {
  readonly rcode: string;
  readonly authoritative: boolean;
  readonly answers: readonly {
    readonly name: string;
    readonly type: string;
    readonly ttl: number;
    readonly data: unknown;
  }[];
}

/** A question with an id that nobody can guess. @throws Error for what is no name, or no type. */
export function makeQuestion(name: string, type: string): Question {
  const bare = name === "." ? "" : name.replace(/\.$/, "");
  const labels = bare === "" ? [] : bare.split(".");
  if (
    name === "" ||
    bare.length > NAME_CHARACTERS_MAX ||
    !labels.every((label) => /^[!-~]{1,63}$/.test(label))
  )
    throw new Error(
      `dns: found ${JSON.stringify(name.slice(0, 300))}, expected a name of labels of 1 to 63 ASCII characters`,
    );
  const number = typeNumber(type);
  const octets = dnsPacket.encode({
    type: "query",
    id: randomInt(0x1_0000),
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ type: `UNKNOWN_${number}`, name: bare === "" ? "." : bare }],
  });
  return { octets };
}

function typeNumber(type: string): number {
  const unnamed = /^TYPE(\d{1,5})$/.exec(type)?.[1];
  const known = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
  const number = known ?? Number(unnamed);
  if (!(number >= 1 && number <= TYPE_MAX))
    throw new Error(
      `dns: found ${JSON.stringify(type.slice(0, 50))}, expected TYPE and a number as in "TYPE65", or one of ${Object.keys(TYPES).join(", ")}`,
    );
  if (number >= QUESTION_TYPES_MIN && number <= QUESTION_TYPES_MAX)
    throw new Error(`dns: ${type} is no type of records, and cannot be asked for`);
  return number;
}

/**
 * Whether the message answers the question: its id, and the question repeated, but for the case of its name. A server that
 * does not look at the question, as it serves nobody from here, sends the header alone, with an error's code.
 */
export function answers(message: Buffer, { octets }: Question): boolean {
  if (
    message.length < HEADER_OCTETS ||
    message.readUInt16BE(0) !== octets.readUInt16BE(0) ||
    (message.readUInt16BE(2) & FLAG_RESPONSE) === 0
  )
    return false;
  if (message.length === HEADER_OCTETS)
    return (
      (message.readUInt16BE(2) & CODE) !== 0 && message.subarray(4).every((octet) => octet === 0)
    );
  const end = octets.length;
  return (
    message.length >= end &&
    message.readUInt16BE(4) === 1 &&
    message.toString("latin1", HEADER_OCTETS, end - 4).toLowerCase() ===
      octets.toString("latin1", HEADER_OCTETS, end - 4).toLowerCase() &&
    message.subarray(end - 4, end).equals(octets.subarray(end - 4))
  );
}

/** Whether there is more than what the datagram holds. */
export function isTruncated(message: Buffer): boolean {
  return (message.readUInt16BE(2) & FLAG_TRUNCATED) !== 0;
}

/** Reads what answers the question; authorities and additional records are left out. @throws Error for what is malformed. */
export function readAnswer(message: Buffer, question: Question): DnsAnswer {
  const flags = message.readUInt16BE(2);
  const count = message.readUInt16BE(6);
  const code = flags & CODE;
  if (count > RECORDS_MAX)
    throw new Error(`found ${count} records in the answer, expected at most ${RECORDS_MAX}`);
  let at = question.octets.length;
  const found: DnsAnswer["answers"][number][] = [];
  try {
    for (let index = 0; index < count; index++) {
      const name = nameAt(message, at);
      at += dnsPacket.name.decode.bytes;
      const number = message.readUInt16BE(at);
      const ttl = message.readUInt32BE(at + 4);
      const length = message.readUInt16BE(at + 8);
      const end = at + 10 + length;
      if (end > message.length) throw new Error("it ends within a record");
      const type = NAMES.get(number);
      const data =
        type === undefined
          ? message.toString("hex", at + 10, end)
          : dataOf(message, type, at + 8, end);
      found.push({ name, type: type ?? `TYPE${number}`, ttl, data });
      at = end;
    }
  } catch (error) {
    throw new Error(
      `the answer is malformed: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
  const characters = JSON.stringify(found).length;
  if (characters > CHARACTERS_MAX)
    throw new Error(
      `found ${characters} characters in the answer's records, expected at most ${CHARACTERS_MAX}`,
    );
  return {
    rcode: CODES[code] ?? `RCODE${code}`,
    authoritative: (flags & FLAG_AUTHORITATIVE) !== 0,
    answers: found,
  };
}

function nameAt(message: Buffer, offset: number): string {
  return String(dnsPacket.name.decode(message, offset));
}

/** @param offset of the data's length. */
function dataOf(message: Buffer, type: string, offset: number, end: number): unknown {
  const { decode } = dnsPacket.record(type);
  // Of what lies behind this record it may see nothing.
  const data = decode(message.subarray(0, end), offset);
  if (decode.bytes !== end - offset)
    throw new Error(`data of type ${type} does not take ${end - offset - 2} octets`);
  // Its strings have 255 octets at most each; together they are one text (RFC 7208 section 3.3).
  return type === "TXT" ? Buffer.concat(data as Buffer[]).toString("utf8") : data;
}
