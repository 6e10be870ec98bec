/** Logins at servers that are not what they should be: a scripted server stands for each. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Step } from "../../scripted.ts";
import { script as scriptOf } from "../../scripted.ts";
import { goOverToTls, logIn, query } from "./session.ts";

const LOGIN = { user: "ann", database: "postgres", password: "größe", cleartext: false };

const message = (type: string, body: Buffer): Buffer => {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
};
const authentication = (method: number, data: string | Buffer = ""): Buffer =>
  message("R", Buffer.concat([Buffer.from([0, 0, 0, method]), Buffer.from(data as string)]));
const SASL = authentication(10, "SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0");
const OK = authentication(0);
const READY = message("Z", Buffer.from("I"));

const script = (...steps: readonly Step[]) => scriptOf(...steps).conversation;

const challenge = (told: Buffer): Buffer =>
  authentication(
    11,
    `r=${/,r=([^,]+)$/.exec(told.toString())?.[1] ?? ""}more,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`,
  );

describe("a server that does not know the password", () => {
  test("is refused when its proof is wrong", () =>
    assert.rejects(
      logIn(script(SASL, challenge, authentication(12, `v=${"A".repeat(43)}=`), OK, READY), LOGIN),
      /does not know the password itself/,
    ));
  test("is refused when it leaves the proof out", () =>
    assert.rejects(
      logIn(script(SASL, challenge, OK, READY), LOGIN),
      /found an authentication of type 0, expected 12/,
    ));
  test("does not get the password when it asks for it in clear text", async () => {
    await assert.rejects(logIn(script(authentication(3), OK, READY), LOGIN), /in clear text/);
    await logIn(script(authentication(3), OK, READY), { ...LOGIN, cleartext: true });
  });
});

describe("going over to TLS", () => {
  const required = { required: true, init: { serverName: "db.example.test" } };
  const opportunistic = { required: false, init: { verify: false } };
  const letter = (text: string): Buffer => Buffer.from(text);
  const error = message("E", Buffer.from("SFATAL\0C57P03\0Mit is starting up\0\0"));

  test("happens when the server says yes", async () => {
    for (const upgrade of [required, opportunistic]) {
      const { conversation, told, tls } = scriptOf(letter("S"), OK, READY);
      await goOverToTls(conversation, upgrade);
      await logIn(conversation, LOGIN);
      assert.deepEqual(told[0], Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]));
      assert.equal(told[1], "TLS");
      assert.deepEqual(tls, [upgrade.init]);
    }
  });
  test("does not when it says no, and then nothing is said that has to be said over it", async () => {
    await goOverToTls(script(letter("N")), opportunistic);
    const { conversation, told } = scriptOf(letter("N"));
    await assert.rejects(goOverToTls(conversation, required), {
      message:
        "the server does not go over to TLS, which options.tls demands: it answered the request for it with no",
    });
    assert.equal(told.length, 1);
  });
  test("fails with the server's error, where it may be believed", async () => {
    await assert.rejects(goOverToTls(script(error), opportunistic), {
      message: "the request for TLS: it is starting up (57P03)",
    });
    await assert.rejects(goOverToTls(script(error), required), /request for it with error$/);
    await assert.rejects(goOverToTls(script(letter("HTTP/1.1")), required), /does not speak the/);
  });
});

test("an authentication that is not known is named", async () => {
  await assert.rejects(logIn(script(authentication(7)), LOGIN), /of type 7, expected trust/);
  await assert.rejects(
    logIn(script(authentication(10, "SCRAM-SHA-512\0\0")), LOGIN),
    /offers SCRAM-SHA-512, expected SCRAM-SHA-256/,
  );
});

test("a query that gives endless rows is given up", () =>
  assert.rejects(
    query(
      script(...Array.from({ length: 101 }, () => message("D", Buffer.from([0, 0])))),
      "it",
      "SELECT",
    ),
    /it gives more than 100 rows/,
  ));
