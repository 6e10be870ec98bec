import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection, TlsInit } from "@karuntime/sdk";
import { faultOf } from "./dialogue.ts";

/** A server that says these lines, and what it was told. */
function server(...lines: readonly string[]) {
  const rest = lines.map((line) => `${line}\r\n`);
  const told: string[] = [];
  // As much of it as a dialogue uses: no streams.
  const connection = {
    certificate: null,
    write: async (data: string | Uint8Array) => void told.push(String(data)),
    readUntil: async () => rest.shift() ?? assert.fail("it read too far"),
    async startTls(init: TlsInit = {}) {
      told.push(`TLS ${init.serverName}`);
      return connection;
    },
    read: () => assert.fail(),
    expect: () => assert.fail(),
    close: () => assert.fail(),
  } as unknown as Connection;
  return { told, ...connection };
}

const options = { helo: "lb1", upgrade: undefined };
const overTls = (required: boolean) => ({
  helo: "lb1",
  upgrade: { required, init: { serverName: "mail.example.test" } },
});
const HELLO = ["250-mail", "250-SIZE 1000", "250 StartTLS"];
const GOOD = ["220-mail", "220 ready", ...HELLO];

test("a server that answers as it should has no fault", async () => {
  const good = server(...GOOD, "221 bye");
  assert.equal(await faultOf(good, options), undefined);
  assert.deepEqual(good.told, ["EHLO lb1\r\n", "QUIT\r\n"]);
  assert.equal(await faultOf(server("220", "250", "221"), options), undefined);
});

test("over TLS it is greeted once more", async () => {
  for (const required of [true, false]) {
    const good = server(...GOOD, "220 go", "250 mail", "221 bye");
    assert.equal(await faultOf(good, overTls(required)), undefined);
    const begin = ["EHLO lb1\r\n", "STARTTLS\r\n", "TLS mail.example.test"];
    assert.deepEqual(good.told, [...begin, "EHLO lb1\r\n", "QUIT\r\n"]);
  }
});

test("without TLS it is talked to only where that may be", async () => {
  const without = ["220 x", "250-x", "250 SIZE", "221 bye"];
  assert.equal(await faultOf(server(...without), overTls(false)), undefined);
  const refused = server(...without);
  assert.match((await faultOf(refused, overTls(true))) ?? "", /^it does not offer STARTTLS/);
  assert.deepEqual(refused.told, ["EHLO lb1\r\n"]);
});

test("each refusal is told", async () => {
  const fault = (...lines: readonly string[]) => faultOf(server(...lines), overTls(false));
  assert.equal(await fault("554 busy"), "the connection is answered with 554 busy");
  assert.equal(await fault("220 x", "550-not", "550 you"), "EHLO is answered with 550 not");
  assert.equal(await fault(...GOOD, "454 later"), "STARTTLS is answered with 454 later");
  assert.equal(await fault(...GOOD, "220", "550 no"), "EHLO over TLS is answered with 550 no");
  assert.equal(await fault("220 x", "250 x", "421"), "QUIT is answered with 421 ");
});

test("what is no reply is refused", async () => {
  for (const line of ["HTTP/1.1 400 Bad Request", "", "2200 x", "150 x", "220_x"])
    await assert.rejects(faultOf(server(line), options), /expected a reply of SMTP/);
  const endless = Array.from({ length: 200 }, () => "220-x");
  await assert.rejects(faultOf(server(...endless), options), /more than 100 lines/);
});
