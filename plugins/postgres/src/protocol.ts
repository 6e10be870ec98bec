/**
 * PostgreSQL's frontend/backend protocol 3.0, as far as a check needs it: requests to octets, octets to messages.
 *
 *   type (1 octet, none in the startup) | length with itself (4) | body
 */
import type { Decoded } from "../../conversation.ts";
import { joined } from "../../conversation.ts";

const PROTOCOL_VERSION = 0x0003_0000;
/** Stands in place of the version, and asks for TLS. */
const TLS_REQUEST = 80_877_103;
/** What a backend may send to a client that only asks simple queries. */
const KNOWN_TYPES = "RKSEZTDCINAv";
const MESSAGE_BYTES_MAX = 1024 * 1024;

export type Message =
  | { readonly type: "authentication"; readonly method: number; readonly data: Uint8Array }
  | { readonly type: "row"; readonly values: readonly (string | null)[] }
  | { readonly type: "error"; readonly code: string; readonly text: string }
  | { readonly type: "ready" }
  | { readonly type: "other" };

/** What may go before the first message: the question whether the server speaks TLS. */
export function encodeTlsRequest(): Uint8Array {
  return joined(int32(8), int32(TLS_REQUEST));
}

/** Its answer is a single letter: yes (S), no (N), or the beginning of an error, which is left where it is. @throws Error when it is none. */
export function decodeTlsAnswer(octets: Uint8Array): Decoded<"yes" | "no" | "error"> | undefined {
  const [letter] = octets;
  if (letter === undefined) return undefined;
  switch (String.fromCharCode(letter)) {
    case "S":
      return { message: "yes", length: 1 };
    case "N":
      return { message: "no", length: 1 };
    case "E":
      return { message: "error", length: 0 };
    default:
      throw foreign(octets);
  }
}

/** The first message: who wants what. */
export function encodeStartup(parameters: Readonly<Record<string, string>>): Uint8Array {
  const pairs = Object.entries(parameters).map(([name, value]) => `${name}\0${value}\0`);
  const body = new TextEncoder().encode(`${pairs.join("")}\0`);
  return joined(int32(body.length + 8), int32(PROTOCOL_VERSION), body);
}

/** A password, in clear text or as MD5 of it. */
export function encodePassword(password: string): Uint8Array {
  return message("p", new TextEncoder().encode(`${password}\0`));
}

/** The beginning of an authentication by SASL. */
export function encodeSaslInitial(mechanism: string, data: string): Uint8Array {
  const encoder = new TextEncoder();
  const octets = encoder.encode(data);
  return message("p", joined(encoder.encode(`${mechanism}\0`), int32(octets.length), octets));
}

export function encodeSaslResponse(data: string): Uint8Array {
  return message("p", new TextEncoder().encode(data));
}

/** A simple query: one statement or several. */
export function encodeQuery(sql: string): Uint8Array {
  return message("Q", new TextEncoder().encode(`${sql}\0`));
}

export function encodeTerminate(): Uint8Array {
  return message("X", new Uint8Array());
}

/** @throws Error when it is none. */
export function decodeMessage(octets: Uint8Array): Decoded<Message> | undefined {
  if (octets.length === 0) return undefined;
  const type = String.fromCharCode(octets[0] ?? 0);
  if (!KNOWN_TYPES.includes(type)) throw foreign(octets);
  if (octets.length < 5) return undefined;
  const length = viewOf(octets).getInt32(1) + 1;
  if (length < 5 || length > MESSAGE_BYTES_MAX) throw foreign(octets);
  if (octets.length < length) return undefined;
  return { message: messageOf(type, octets.subarray(5, length)), length };
}

function messageOf(type: string, body: Uint8Array): Message {
  switch (type) {
    case "R":
      if (body.length < 4) throw foreign(body);
      return {
        type: "authentication",
        method: viewOf(body).getInt32(0),
        data: body.subarray(4),
      };
    case "D":
      return { type: "row", values: valuesOf(body) };
    case "E":
      return errorOf(body);
    case "Z":
      return { type: "ready" };
    default:
      return { type: "other" };
  }
}

/** Number of columns (2), then of each its length (4; -1 for NULL) and its text. */
function valuesOf(body: Uint8Array): (string | null)[] {
  const view = viewOf(body);
  const values: (string | null)[] = [];
  let at = 2;
  try {
    for (let left = view.getUint16(0); left > 0; left--) {
      const length = view.getInt32(at);
      at += 4;
      if (length > body.length - at) throw foreign(body);
      values.push(length < 0 ? null : textOf(body.subarray(at, at + length)));
      at += Math.max(0, length);
    }
  } catch (error) {
    if (error instanceof RangeError) throw foreign(body);
    throw error;
  }
  return values;
}

/** Fields of one letter and a text each. */
function errorOf(body: Uint8Array): Message {
  const fields = new Map(
    textOf(body)
      .split("\0")
      .map((field): [string, string] => [field.slice(0, 1), field.slice(1)]),
  );
  return { type: "error", code: fields.get("C") ?? "", text: fields.get("M") ?? "" };
}

/** The parts of a body that are separated by NUL. */
export function textsOf(body: Uint8Array): string[] {
  return textOf(body)
    .split("\0")
    .filter((text) => text !== "");
}

export function textOf(octets: Uint8Array): string {
  return new TextDecoder().decode(octets);
}

function message(type: string, body: Uint8Array): Uint8Array {
  return joined(new TextEncoder().encode(type), int32(body.length + 4), body);
}

function int32(value: number): Uint8Array {
  const octets = new Uint8Array(4);
  viewOf(octets).setInt32(0, value);
  return octets;
}

function viewOf(octets: Uint8Array): DataView {
  return new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
}

function foreign(octets: Uint8Array): Error {
  return new Error(
    `the server does not speak the PostgreSQL protocol: ${JSON.stringify(textOf(octets.subarray(0, 40)))}`,
  );
}
