import assert from "node:assert/strict";
import { test } from "node:test";
import { faultOf } from "./dialogue.ts";

/** A server that says these lines, and what it was told. */
function server(...lines: readonly string[]) {
  const rest = lines.map((line) => `${line}\r\n`);
  const told: string[] = [];
  return {
    told,
    write: async (data: string | Uint8Array): Promise<void> => void told.push(String(data)),
    readUntil: async (): Promise<string> => rest.shift() ?? assert.fail("it read too far"),
  };
}

const options = { helo: "lb1", starttls: false };
const GOOD = ["220-mail", "220 ready", "250-mail", "250-SIZE 1000", "250 StartTLS", "221 bye"];

test("a server that answers as it should has no fault", async () => {
  const good = server(...GOOD);
  assert.equal(await faultOf(good, { ...options, starttls: true }), undefined);
  assert.deepEqual(good.told, ["EHLO lb1\r\n", "QUIT\r\n"]);
  assert.equal(await faultOf(server("220", "250", "221"), options), undefined);
});

test("each refusal is told", async () => {
  const fault = (...lines: readonly string[]) =>
    faultOf(server(...lines), { ...options, starttls: true });
  assert.equal(await fault("554 busy"), "the connection is answered with 554 busy");
  assert.equal(await fault("220 x", "550-not", "550 you"), "EHLO is answered with 550 not");
  assert.equal(await fault("220 x", "250 STARTTLS"), "it does not offer STARTTLS");
  assert.equal(await fault("220 x", "250-x", "250 STARTTLS", "421"), "QUIT is answered with 421 ");
});

test("what is no reply is refused", async () => {
  for (const line of ["HTTP/1.1 400 Bad Request", "", "2200 x", "150 x", "220_x"])
    await assert.rejects(faultOf(server(line), options), /expected a reply of SMTP/);
  const endless = Array.from({ length: 200 }, () => "220-x");
  await assert.rejects(faultOf(server(...endless), options), /more than 100 lines/);
});
