/**
 * The program that the test of pings runs on its hosts: each line of standard input is `ADDRESS TIMEOUT_MS SIZE`, answered
 * by a line of JSON when it is done: { address, ttl, timeMs }, or { error }. It ends with its input.
 */
import { createInterface } from "node:readline";
import { createPinger } from "../../src/linux/icmp.ts";

const pinger = createPinger();
const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const [address = "", timeoutMs, size] = line.split(" ");
  pinger
    .ping({
      address,
      timeoutMs: Number(timeoutMs),
      size: Number(size),
      signal: new AbortController().signal,
    })
    .then(
      (answer) => answer,
      (error: unknown) => ({ error: (error as Error).message }),
    )
    .then((said) => console.log(JSON.stringify({ asked: address, ...said })));
});
lines.on("close", () => pinger.close());
