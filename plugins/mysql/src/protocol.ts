/**
 * The client/server protocol of MySQL and MariaDB, as far as a check needs it: packets out, packets in, and what is in them.
 *
 *   length (3 octets, the lowest first) | sequence (1) | payload
 */
import type { Decoded } from "../../conversation.ts";
import { joined } from "../../conversation.ts";

const PAYLOAD_BYTES_MAX = 1024 * 1024;
const HANDSHAKE_VERSION = 10;
const NONCE_BYTES = 20;
/** LONG_PASSWORD, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH. */
const CAPABILITIES = 0x1 | 0x200 | 0x2000 | 0x8000 | 0x8_0000;
const TLS_CAPABILITY = 0x800;
const UTF8MB4 = 45;
const COMMAND = { quit: 1, query: 3 } as const;
/** The first octet of a payload that is not what was asked for. */
const [OK, MORE, LOCAL_FILE, END, ERROR] = [0x00, 0x01, 0xfb, 0xfe, 0xff];
const NULL_VALUE = 0xfb;

export interface Packet {
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** What the server says first. */
export interface Handshake {
  readonly nonce: Uint8Array;
  /** The authentication that it proposes. */
  readonly method: string;
  /** Whether it can go over to TLS. */
  readonly tls: boolean;
}

/** What the server says to a login. */
export type LoginAnswer =
  | { readonly type: "ok" }
  | { readonly type: "switch"; readonly method: string; readonly nonce: Uint8Array }
  | { readonly type: "more"; readonly data: Uint8Array };

/** What the server says to a query: it is done, or so many columns follow. */
export type QueryAnswer =
  | { readonly type: "ok" }
  | { readonly type: "columns"; readonly count: number };

/** What the server says is wrong. */
export class ServerError extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export function encodePacket(sequence: number, payload: Uint8Array): Uint8Array {
  return joined(littleEndian(payload.length, 3), new Uint8Array([sequence]), payload);
}

/** What goes before the login where TLS is to begin behind it: the login's own first part. */
export function encodeTlsRequest(): Uint8Array {
  return beginningOfLogin(true);
}

/** The answer to the handshake. @param tls whether TLS was asked for before. */
export function encodeLogin(
  user: string,
  method: string,
  response: Uint8Array,
  tls: boolean,
): Uint8Array {
  return joined(
    beginningOfLogin(tls),
    new TextEncoder().encode(`${user}\0`),
    new Uint8Array([response.length]),
    response,
    new TextEncoder().encode(`${method}\0`),
  );
}

/** The password as it is. */
export function encodePassword(password: string): Uint8Array {
  return new TextEncoder().encode(`${password}\0`);
}

export function encodeQuery(sql: string): Uint8Array {
  return joined(new Uint8Array([COMMAND.query]), new TextEncoder().encode(sql));
}

export function encodeQuit(): Uint8Array {
  return new Uint8Array([COMMAND.quit]);
}

/** @throws Error when it is none. */
export function decodePacket(octets: Uint8Array): Decoded<Packet> | undefined {
  if (octets.length < 4) return undefined;
  const [low = 0, middle = 0, high = 0, sequence = 0] = octets;
  const length = low | (middle << 8) | (high << 16);
  if (length === 0 || length > PAYLOAD_BYTES_MAX) throw foreign(octets);
  if (octets.length < 4 + length) return undefined;
  return { message: { sequence, payload: octets.slice(4, 4 + length) }, length: 4 + length };
}

/** @throws Error when it is none, or the server says that something is wrong. */
export function parseHandshake(payload: Uint8Array): Handshake {
  throwIfError(payload);
  const reader = readerOf(payload);
  if (reader.integer(1) !== HANDSHAKE_VERSION) throw foreign(payload);
  reader.textUntilNul();
  reader.octets(4);
  const firstPart = reader.octets(8);
  reader.octets(1);
  const lowerCapabilities = reader.integer(2);
  // The character set, the status, the upper capabilities, a length and a reserve.
  reader.octets(1 + 2 + 2 + 1 + 10);
  const secondPart = reader.octets(NONCE_BYTES - firstPart.length);
  reader.octets(1);
  return {
    nonce: joined(firstPart, secondPart),
    method: reader.textUntilNul(),
    tls: (lowerCapabilities & TLS_CAPABILITY) !== 0,
  };
}

/** @throws Error when it is none, or the server refuses the login. */
export function parseLoginAnswer(payload: Uint8Array): LoginAnswer {
  throwIfError(payload);
  const reader = readerOf(payload);
  const type = reader.integer(1);
  if (type === OK) return { type: "ok" };
  if (type === MORE) return { type: "more", data: reader.rest() };
  if (type !== END) throw foreign(payload);
  const method = reader.textUntilNul();
  return { type: "switch", method, nonce: reader.rest().subarray(0, NONCE_BYTES) };
}

/** @throws Error when it is none, or the server refuses the query. */
export function parseQueryAnswer(payload: Uint8Array): QueryAnswer {
  throwIfError(payload);
  if (payload[0] === OK) return { type: "ok" };
  if (payload[0] === LOCAL_FILE) throw new Error("the server asks for a file of this host");
  return { type: "columns", count: readerOf(payload).lengthEncoded() };
}

/** The name of a column, from its definition. */
export function parseColumnName(payload: Uint8Array): string {
  throwIfError(payload);
  const reader = readerOf(payload);
  // The catalog, the schema, and the table by its alias and by its name.
  for (let skipped = 0; skipped < 4; skipped++) reader.value();
  return reader.value() ?? "";
}

/** The values of a row; undefined behind the last one. */
export function parseRow(
  payload: Uint8Array,
  columns: number,
): readonly (string | null)[] | undefined {
  throwIfError(payload);
  if (isEnd(payload)) return undefined;
  const reader = readerOf(payload);
  return Array.from({ length: columns }, () => reader.value());
}

/** Whether it is what stands behind the columns, and behind the rows. */
export function isEnd(payload: Uint8Array): boolean {
  return payload[0] === END && payload.length < 9;
}

function beginningOfLogin(tls: boolean): Uint8Array {
  return joined(
    littleEndian(tls ? CAPABILITIES | TLS_CAPABILITY : CAPABILITIES, 4),
    littleEndian(PAYLOAD_BYTES_MAX, 4),
    new Uint8Array([UTF8MB4]),
    new Uint8Array(23),
  );
}

function throwIfError(payload: Uint8Array): void {
  if (payload[0] !== ERROR) return;
  const reader = readerOf(payload.subarray(1));
  const code = reader.integer(2);
  const text = textOf(reader.rest()).replace(/^#.{5}/, "");
  throw new ServerError(code, `${text} (${code})`);
}

/** Reads one thing after the other. What reaches beyond the end is refused. */
function readerOf(payload: Uint8Array) {
  let at = 0;
  function octets(count: number): Uint8Array {
    if (at + count > payload.length) throw foreign(payload);
    at += count;
    return payload.subarray(at - count, at);
  }
  const integer = (size: number): number =>
    octets(size).reduceRight((value, octet) => value * 256 + octet, 0);
  function lengthEncoded(): number {
    const first = integer(1);
    if (first < NULL_VALUE) return first;
    if (first === 0xfc) return integer(2);
    if (first === 0xfd) return integer(3);
    throw foreign(payload);
  }
  return {
    octets,
    integer,
    lengthEncoded,
    rest: () => octets(payload.length - at),
    textUntilNul(): string {
      const end = payload.indexOf(0, at);
      const text = textOf(octets((end < 0 ? payload.length : end) - at));
      if (end >= 0) octets(1);
      return text;
    },
    value(): string | null {
      if (payload[at] !== NULL_VALUE) return textOf(octets(lengthEncoded()));
      octets(1);
      return null;
    },
  };
}

function littleEndian(value: number, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => (value >>> (8 * index)) & 0xff);
}

function textOf(octets: Uint8Array): string {
  return new TextDecoder().decode(octets);
}

function foreign(octets: Uint8Array): Error {
  return new Error(
    `the server does not speak the MySQL protocol: ${JSON.stringify(textOf(octets.subarray(0, 40)))}`,
  );
}
