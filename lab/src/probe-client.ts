/**
 * The program that a client host runs: one HTTP request every few milliseconds, each on a connection of its own with
 * a short time limit, and one line of JSON per request that ended: [started, ended, answer | null, error | null].
 *
 *   node probe-client.ts ADDRESS PORT INTERVAL_MS TIMEOUT_MS
 */
import { connect } from "node:net";
import { now } from "./time.ts";

/** Requests under way at once; when reached, the next ones are left out, which shows as a gap between starts. */
const UNDER_WAY_MAX = 256;
const ANSWER_OCTETS_MAX = 4096;

const [address = "", port = "", interval = "", limit = ""] = process.argv.slice(2);
const intervalMs = Number(interval);
let underWay = 0;
let nextMs = now();

function request(): void {
  const startedMs = now();
  let answer = "";
  let error: string | null = null;
  underWay++;
  const socket = connect({ host: address, port: Number(port) });
  const timer = setTimeout(() => {
    error = "timed out";
    socket.destroy();
  }, Number(limit));
  socket.on("connect", () => socket.write(`GET / HTTP/1.0\r\nHost: ${address}\r\n\r\n`));
  socket.on("data", (bytes: Buffer) => {
    answer += bytes.toString("latin1");
    if (answer.length > ANSWER_OCTETS_MAX) socket.destroy(new Error("answer too long"));
  });
  socket.on("error", (cause: NodeJS.ErrnoException) => (error = cause.code ?? cause.message));
  socket.on("close", () => {
    clearTimeout(timer);
    underWay--;
    const body = /^HTTP\/1\.[01] 200 [^]*?\r\n\r\n([^]*)$/.exec(answer)?.[1]?.trim();
    if (error === null && body === undefined)
      error = `answered ${JSON.stringify(answer.slice(0, 40))}`;
    const ok = error === null ? (body ?? null) : null;
    process.stdout.write(`${JSON.stringify([startedMs, now(), ok, error])}\n`);
  });
}

function tick(): void {
  if (underWay < UNDER_WAY_MAX) request();
  // Late by more than an interval, it goes on from now: a burst would measure itself.
  nextMs = Math.max(nextMs + intervalMs, now());
  setTimeout(tick, Math.max(0, nextMs - now()));
}

tick();
