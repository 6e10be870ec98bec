/** `karuntime genhash`, beside the genhash that keepalived's package has, where it is installed. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../../bin/karuntime", import.meta.url));
const BODY = `hello\n${"x".repeat(100_000)}\n`;
const DIGEST = createHash("md5").update(BODY).digest("hex");

function run(
  file: string,
  argv: readonly string[],
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn(file, argv, { stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (text) => (stdout += String(text)));
    child.stderr.on("data", (text) => (stderr += String(text)));
    child.on("close", (status) => resolve({ status, stdout, stderr }));
  });
}

describe("genhash", () => {
  const server = createServer((request, response) => {
    const body = request.url === "/host" ? (request.headers.host ?? "") : BODY;
    response.writeHead(200, { "Content-Length": Buffer.byteLength(body) }).end(body);
  });
  const mute = createTcpServer((socket) => void socket.on("error", () => undefined));
  const odd = createTcpServer((socket) => void socket.end("no HTTP at all"));
  let [port, mutePort, oddPort] = [0, 0, 0];
  const listen = (which: typeof server | typeof mute): Promise<number> =>
    new Promise((resolve) =>
      which.listen(0, "127.0.0.1", () => resolve((which.address() as AddressInfo).port)),
    );
  before(async () => {
    port = await listen(server);
    mutePort = await listen(mute);
    oddPort = await listen(odd);
  });
  after(() => {
    for (const which of [server, mute, odd]) which.close();
  });
  const genhash = (...argv: string[]) => run(PROGRAM, ["genhash", "-s", "127.0.0.1", ...argv]);

  test("prints the MD5 of the body", async () => {
    const { stdout } = await genhash("-p", String(port), "-u", "/");
    assert.equal(stdout, `MD5SUM = ${DIGEST}\n`);
  });
  test("sends the host that it is told", async () => {
    const { stdout } = await genhash("-p", String(port), "-u", "/host", "-V", "www.example.com");
    assert.equal(stdout, `MD5SUM = ${createHash("md5").update("www.example.com").digest("hex")}\n`);
  });
  const real = spawnSync("genhash", ["-h"]).error === undefined;
  test(
    "says what keepalived's own genhash says",
    { skip: real ? false : "genhash is not installed" },
    async () => {
      const { stdout } = await run("genhash", ["-s", "127.0.0.1", "-p", String(port), "-u", "/"]);
      assert.match(stdout, new RegExp(DIGEST));
    },
  );
  test("what goes wrong is said in words", async () => {
    const closed = await genhash("-p", "1", "-u", "/");
    assert.deepEqual([closed.status, /refuses the connection/.test(closed.stderr)], [1, true]);
    assert.match((await genhash("-p", String(oddPort), "-u", "/")).stderr, /no answer of HTTP/);
    assert.match(
      (await genhash("-p", String(mutePort), "-u", "/", "-t", "1")).stderr,
      /within 1 s/,
    );
    assert.match((await genhash("-p", "99999", "-u", "/")).stderr, /usage: karuntime genhash/);
  });
});
