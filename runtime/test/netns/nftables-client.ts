/**
 * The programs that the test of the packet filter runs on its hosts.
 *
 *   node nftables-client.ts filter TABLE                         `add ADDRESS ...`, `remove ADDRESS ...`, `close` by
 *                                                                standard input; each answered by a line: ok, or the error
 *   node nftables-client.ts leave TABLE                          leaves a table that nobody owns
 *   node nftables-client.ts listen PORT                          accepts connections, says `listening`
 *   node nftables-client.ts connect ADDRESS PORT LIMIT_MS [FROM] says `connected` or why not
 */
import { closeSync } from "node:fs";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";
import * as libc from "../../src/linux/libc.ts";
import { attribute, netlinkAddress } from "../../src/linux/netlink.ts";
import { openVipFilter } from "../../src/linux/nftables.ts";
import { parseAddress } from "../../src/packet/address.ts";

const NETLINK_NETFILTER = 12;
/** linux/netfilter/nfnetlink.h: the messages around a batch, and NFT_MSG_NEWTABLE of the subsystem 10. */
const [BATCH_BEGIN, BATCH_END, NEWTABLE] = [0x10, 0x11, 10 << 8];
const NLM_F_REQUEST = 0x1;
const NLM_F_CREATE = 0x400;
const NFPROTO_INET = 1;
const NFTA_TABLE_NAME = 1;

const [command, ...words] = process.argv.slice(2);
if (command === "filter") filter(words);
else if (command === "leave") leave(words);
else if (command === "listen") listen(words);
else connectOnce(words);

function filter([table]: readonly string[]): void {
  const own = attempt(() => openVipFilter(table));
  createInterface({ input: process.stdin }).on("line", (line) => {
    const [verb, ...texts] = line.split(" ");
    const addresses = texts.flatMap((text) => parseAddress(text) ?? []);
    attempt(() => {
      if (verb === "add") own?.add(addresses);
      else if (verb === "remove") own?.remove(addresses);
      else own?.close();
    });
  });
}

function attempt<T>(action: () => T): T | undefined {
  try {
    const result = action();
    console.log("ok");
    return result;
  } catch (error) {
    console.log(error instanceof Error ? error.message : error);
    return undefined;
  }
}

function leave([table]: readonly string[]): void {
  const name = attribute(NFTA_TABLE_NAME, Buffer.from(`${table}\0`));
  const batch = Buffer.concat([
    message(BATCH_BEGIN, 0, 0, NEWTABLE >>> 8),
    message(NEWTABLE, NLM_F_CREATE, NFPROTO_INET, 0, name),
    message(BATCH_END, 0, 0, NEWTABLE >>> 8),
  ]);
  const kernel = netlinkAddress(0);
  const socket = libc.socket(libc.AF_NETLINK, libc.SOCK_RAW, NETLINK_NETFILTER);
  if (libc.sendto(socket, batch, batch.length, 0, kernel, kernel.length) < 0)
    throw new Error(libc.lastError());
  closeSync(socket);
}

function message(
  type: number,
  flags: number,
  family: number,
  resource: number,
  attributes: Uint8Array = Buffer.alloc(0),
): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt32LE(header.length + attributes.length, 0);
  header.writeUInt16LE(type, 4);
  header.writeUInt16LE(flags | NLM_F_REQUEST, 6);
  header.writeUInt8(family, 16);
  header.writeUInt16BE(resource, 18);
  return Buffer.concat([header, attributes]);
}

function listen([port]: readonly string[]): void {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.end();
  });
  // Both families.
  server.listen(Number(port), "::", () => console.log("listening"));
}

function connectOnce([host = "", port, limit, from]: readonly string[]): void {
  const local = from === undefined ? {} : { localAddress: from };
  const socket = connect({ host, port: Number(port), ...local });
  const say = (text: string): void => {
    clearTimeout(timer);
    socket.destroy();
    console.log(text);
  };
  const timer = setTimeout(() => say("timed out"), Number(limit));
  socket.on("connect", () => say("connected"));
  socket.on("error", (error: NodeJS.ErrnoException) => say(error.code ?? error.message));
}
