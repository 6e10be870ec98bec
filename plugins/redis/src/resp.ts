/** The Redis serialization protocol, RESP2: commands to octets, octets to replies; and what INFO says of replication. */
import type { Decoded } from "../../conversation.ts";

const [CR, LF] = [13, 10];
/** Deeper than any reply to what is asked here. */
const DEPTH_MAX = 8;

export type Reply =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "error"; readonly text: string }
  | { readonly type: "number"; readonly number: number }
  | { readonly type: "array"; readonly items: readonly Reply[] }
  | { readonly type: "null" };

/** A command as an array of bulk strings. */
export function encodeCommand(words: readonly string[]): Uint8Array {
  const encoder = new TextEncoder();
  const bulk = words.map((word) => `$${encoder.encode(word).length}\r\n${word}\r\n`);
  return encoder.encode(`*${words.length}\r\n${bulk.join("")}`);
}

/** @throws Error when it is no RESP. */
export function decodeReply(octets: Uint8Array): Decoded<Reply> | undefined {
  return decodeAt(octets, 0, 0);
}

function decodeAt(octets: Uint8Array, start: number, depth: number): Decoded<Reply> | undefined {
  const [type] = octets.subarray(start, start + 1);
  if (type === undefined) return undefined;
  const mark = String.fromCharCode(type);
  if (!"+-:$*".includes(mark) || depth > DEPTH_MAX)
    throw new Error(`the server does not speak the redis protocol: ${excerpt(octets, start)}`);
  const lineEnd = endOfLine(octets, start);
  if (lineEnd === undefined) return undefined;
  const line = textOf(octets.subarray(start + 1, lineEnd - 2));
  const done = (message: Reply, end = lineEnd): Decoded<Reply> => ({
    message,
    length: end - start,
  });
  if (mark === "+") return done({ type: "text", text: line });
  if (mark === "-") return done({ type: "error", text: line });
  const number = Number(line);
  if (!Number.isInteger(number) || line.trim() === "")
    throw new Error(`the server does not speak the redis protocol: ${excerpt(octets, start)}`);
  if (mark === ":") return done({ type: "number", number });
  if (number < 0) return done({ type: "null" });
  if (mark === "$") {
    const end = lineEnd + number;
    if (octets.length < end + 2) return undefined;
    return done({ type: "text", text: textOf(octets.subarray(lineEnd, end)) }, end + 2);
  }
  const items: Reply[] = [];
  let end = lineEnd;
  while (items.length < number) {
    const item = decodeAt(octets, end, depth + 1);
    if (item === undefined) return undefined;
    items.push(item.message);
    end += item.length;
  }
  return done({ type: "array", items }, end);
}

/** The index behind the line's CR LF. */
function endOfLine(octets: Uint8Array, start: number): number | undefined {
  for (let at = octets.indexOf(CR, start); at >= 0; at = octets.indexOf(CR, at + 1))
    if (octets[at + 1] === LF) return at + 2;
  return undefined;
}

function textOf(octets: Uint8Array): string {
  return new TextDecoder().decode(octets);
}

function excerpt(octets: Uint8Array, start: number): string {
  return JSON.stringify(textOf(octets.subarray(start, start + 40)));
}

export type Replication = {
  readonly connectedReplicas: number;
  /** How far the slowest replica is behind its master, or this replica behind what it has received; in bytes of the stream. */
  readonly lagBytes: number;
} & (
  | { readonly role: "master" }
  | {
      readonly role: "replica";
      readonly linkUp: boolean;
      /** Since anything came from the master, or since the link is down; in seconds. */
      readonly silentSeconds: number;
    }
);

/** Reads the answer to INFO replication. @throws Error when it does not say the role. */
export function parseReplication(info: string): Replication {
  const fields = new Map(
    info
      .split("\r\n")
      .filter((line) => line.includes(":"))
      .map((line): [string, string] => [
        line.slice(0, line.indexOf(":")),
        line.slice(line.indexOf(":") + 1),
      ]),
  );
  const number = (name: string): number => Number(fields.get(name) ?? 0);
  const role = fields.get("role");
  const connectedReplicas = number("connected_slaves");
  if (role === "master") {
    const offsets = [...fields]
      .filter(([name]) => /^slave\d+$/.test(name))
      .map(([, value]) => Number(/(?:^|,)offset=(\d+)/.exec(value)?.[1] ?? 0));
    const lagBytes = Math.max(0, ...offsets.map((offset) => number("master_repl_offset") - offset));
    return { role, connectedReplicas, lagBytes };
  }
  if (role !== "slave")
    throw new Error(
      `INFO replication: found the role ${JSON.stringify(role ?? "")}, expected "master" or "slave"`,
    );
  const linkUp = fields.get("master_link_status") === "up";
  return {
    role: "replica",
    connectedReplicas,
    lagBytes: Math.max(0, number("slave_read_repl_offset") - number("slave_repl_offset")),
    linkUp,
    silentSeconds: number(linkUp ? "master_last_io_seconds_ago" : "master_link_down_since_seconds"),
  };
}
