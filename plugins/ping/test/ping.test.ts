/**
 * The ping check in a network of its own: a host that answers, that is silent, that loses some, that is slow. The outer process
 * only makes the network; the same file runs again inside.
 */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import raw from "raw-socket";
import { internetChecksum } from "../../../runtime/src/packet/checksum.ts";
import { becomes, withProject } from "../../testing.ts";

const INSIDE = "KARUNTIME_TEST_NETWORK";
const ICMP = 1;
const ECHO_REQUEST = 8;
const IGNORE = "/proc/sys/net/ipv4/icmp_echo_ignore_all";

if (process.env[INSIDE] === undefined) {
  const skip = process.getuid?.() === 0 ? false : "needs root: it makes a network namespace";
  test("the ping check, in a network of its own", { skip }, () => {
    const result = spawnSync(
      "unshare",
      ["-n", process.execPath, "--test", "--test-reporter=tap", fileURLToPath(import.meta.url)],
      { encoding: "utf8", env: { PATH: process.env["PATH"], [INSIDE]: "1" } },
    );
    assert.equal(result.status, 0, result.stdout + result.stderr);
    assert.match(result.stdout, /^# pass 2$/m);
  });
} else {
  describe("the ping check", () => {
    before(() => void execFileSync("ip", ["link", "set", "lo", "up"]));

    const check = (name: string, options: object): string =>
      `${name}: { plugin: "@karuntime/ping", interval: "200ms", timeout: "3s", grant: { ping: ["127.0.0.1"], metrics: true }, options: ${JSON.stringify({ host: "127.0.0.1", ...options })} },`;

    test("is up while the host answers, and down while it is silent", () =>
      withProject(`checks: { ${check("host", {})} },`, async (project) => {
        await becomes(project, "host", "up");
        const { metrics } = await project.report("host");
        assert.deepEqual(
          metrics.map(({ name }) => name),
          ["loss_percent", "round_trip_ms"],
        );
        assert.equal(metrics[0]?.value, 0);
        writeFileSync(IGNORE, "1");
        await becomes(project, "host", "down", /no answer within 200 ms/);
        assert.equal((await project.report("host")).metrics[0]?.value, 100);
        writeFileSync(IGNORE, "0");
        await becomes(project, "host", "up");
        execFileSync("ip", ["link", "set", "lo", "down"]);
        await becomes(project, "host", "down");
        execFileSync("ip", ["link", "set", "lo", "up"]);
        await becomes(project, "host", "up");
      }));

    test("is down while the way is slow or loses much", async () => {
      // The kernel leaves the answers to us.
      writeFileSync(IGNORE, "1");
      const responder = respond();
      try {
        await withProject(
          `checks: { ${check("host", { roundTripMsMax: 50, probes: 10, lossPercentMax: 20 })} },`,
          async (project) => {
            await becomes(project, "host", "up");
            responder.delayMs = 80;
            await becomes(
              project,
              "host",
              "down",
              /^its answers take \d+ ms, expected at most 50 ms$/,
            );
            responder.delayMs = 0;
            await becomes(project, "host", "up");
            responder.lostOfTen = 4;
            await becomes(project, "host", "down", /^40 % of the pings are lost: .*no answer/);
            responder.lostOfTen = 1;
            await becomes(project, "host", "up");
          },
        );
      } finally {
        responder.close();
        writeFileSync(IGNORE, "0");
      }
    });
  });
}

/** Answers pings in place of the kernel, as late and as seldom as it is told. */
function respond() {
  const socket = raw.createSocket({
    protocol: ICMP,
    addressFamily: raw.AddressFamily.IPv4,
    bufferSize: 2048,
  });
  let seen = 0;
  const responder = { delayMs: 0, lostOfTen: 0, close: () => socket.close() };
  socket.on("message", (packet: Buffer, source: string) => {
    const message = packet.subarray((packet.readUInt8(0) & 0x0f) * 4);
    if (message.readUInt8(0) !== ECHO_REQUEST || seen++ % 10 < responder.lostOfTen) return;
    const reply = Buffer.from(message);
    reply.writeUInt16BE(0, 0);
    reply.writeUInt16BE(0, 2);
    reply.writeUInt16BE(internetChecksum(reply), 2);
    setTimeout(
      () => socket.wrap.send(reply, 0, reply.length, source, () => undefined),
      responder.delayMs,
    );
  });
  return responder;
}
