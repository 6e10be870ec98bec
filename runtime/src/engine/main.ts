/**
 * The engine's process: listens on a unix socket for its daemon, and resigns when the daemon is gone. It runs no user's
 * code, reads no configuration file, and waits for nobody.
 */
import { chmodSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import type { JsonLines } from "../json-lines.ts";
import { jsonLines } from "../json-lines.ts";
import { openNetlink } from "../linux/netlink.ts";
import { watchNetwork } from "../linux/network-watch.ts";
import { openPacketSocket } from "../linux/packet-socket.ts";
import { requestRealTime } from "../linux/scheduling.ts";
import { Engine } from "./engine.ts";
import type { DaemonToEngine, EngineToDaemon } from "./protocol.ts";

/** Without a daemon for this long after the start, the engine ends. */
const DAEMON_MS_MAX = 10_000;

const { values } = parseArgs({ options: { socket: { type: "string" } } });
const path = values.socket;
if (path === undefined) throw new Error("usage: engine --socket PATH");

const scheduling = requestRealTime();
let ending = false;
let daemon: JsonLines<EngineToDaemon> | undefined;
const engine = new Engine({
  netlink: openNetlink(),
  packets: openPacketSocket(),
  record: join(dirname(path), "addresses.json"),
  send: (message) => void daemon?.send(message),
});
const watch = watchNetwork((message) => engine.networkChanged(message));

const server = createServer((socket) => {
  if (daemon !== undefined) return void socket.destroy();
  clearTimeout(orphaned);
  daemon = jsonLines<EngineToDaemon>(socket, (message) => receive(message), end);
});
const orphaned = setTimeout(end, DAEMON_MS_MAX);
rmSync(path, { force: true });
const mask = process.umask(0o177);
server.listen(path, () => chmodSync(path, 0o600));
process.umask(mask);
process.once("SIGTERM", end);
process.once("SIGINT", end);

function receive(raw: unknown): void {
  const message = raw as DaemonToEngine;
  switch (message.type) {
    case "configure":
      engine.configure(message.virtualRouters, message.holdings);
      return void daemon?.send({ type: "configured" });
    case "tracker":
      return engine.setTracker(message.name, message.state);
    case "ping":
      return void daemon?.send({ type: "pong", id: message.id });
    case "status":
      return void daemon?.send({
        type: "status",
        id: message.id,
        status: { pid: process.pid, scheduling, ...engine.status() },
      });
    case "stop":
      return end();
    default:
      daemon?.send({
        type: "log",
        level: "error",
        message: "the engine got a message that it does not know",
        fields: {},
      });
  }
}

/** Resigns everywhere and ends. */
function end(): void {
  if (ending) return;
  ending = true;
  engine.shutdown();
  watch.close();
  daemon?.send({ type: "stopped" });
  server.close();
  rmSync(path as string, { force: true });
  // The message above is written when the loop comes round to it.
  setImmediate(() => process.exit(0));
}
