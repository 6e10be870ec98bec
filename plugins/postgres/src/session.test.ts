/** Logins at servers that are not what they should be: a scripted server stands for each. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Conversation } from "../../conversation.ts";
import { logIn, query } from "./session.ts";

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

/** Sends one after the other; a function is given what it was sent last. */
function script(...steps: readonly (Buffer | ((sent: string) => Buffer))[]): Conversation {
  let sent = "";
  const waiting = [...steps];
  return {
    send: (_step, octets) => Promise.resolve(void (sent = Buffer.from(octets).toString("utf8"))),
    receive(decode) {
      const step = waiting.shift();
      assert.ok(step !== undefined, "the server has nothing more to say");
      const decoded = decode(typeof step === "function" ? step(sent) : step);
      assert.ok(decoded !== undefined);
      return Promise.resolve(decoded.message);
    },
  };
}

const challenge = (sent: string): Buffer =>
  authentication(
    11,
    `r=${/,r=([^,]+)$/.exec(sent)?.[1] ?? ""}more,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`,
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
