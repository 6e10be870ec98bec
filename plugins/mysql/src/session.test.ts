/** The conversation with servers that are not on every machine: a scripted server stands for MySQL 8. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import type { Upgrade } from "../../transport-security.ts";
import { script as scriptOf } from "../../scripted.ts";
import { responseTo } from "./credentials.ts";
import { encodePacket } from "./protocol.ts";
import { logIn } from "./session.ts";

const NONCE = Buffer.from("12345678abcdefghijkl");
const PASSWORD = "größe";
const LOGIN = { user: "ann", password: PASSWORD };

/** Says these payloads one after the other, each with the number behind that of what it answers. */
const script = (greeting: Buffer, ...payloads: readonly Buffer[]) =>
  scriptOf(
    encodePacket(0, greeting),
    ...payloads.map((payload) => (told: Buffer) => encodePacket((told[3] ?? 0) + 1, payload)),
  );

const handshake = (method: string, tls = false): Buffer =>
  Buffer.concat([
    Buffer.from("\u000a8.4.3\0"),
    Buffer.alloc(4),
    NONCE.subarray(0, 8),
    Buffer.from([0, 0, tls ? 0x08 : 0]),
    Buffer.alloc(16),
    NONCE.subarray(8),
    Buffer.from(`\0${method}\0`),
  ]);
const OK = Buffer.from([0, 0, 0, 2, 0, 0, 0]);
const KNOWN = Buffer.from([1, 3]);
const FULL = Buffer.from([1, 4]);

const hash = (algorithm: string, ...parts: readonly (string | Buffer)[]): Buffer =>
  parts.reduce((state, part) => state.update(part), createHash(algorithm)).digest();
const xor = (left: Buffer, right: Buffer): Buffer =>
  Buffer.from(left.map((octet, index) => octet ^ (right[index] ?? 0)));
/** SHA256(password) XOR SHA256(SHA256(SHA256(password)), nonce) */
const sha256Once = hash("sha256", PASSWORD);
const cachingSha2 = xor(sha256Once, hash("sha256", hash("sha256", sha256Once), NONCE));
/** SHA1(password) XOR SHA1(nonce, SHA1(SHA1(password))) */
const sha1Once = hash("sha1", PASSWORD);
const native = xor(sha1Once, hash("sha1", NONCE, hash("sha1", sha1Once)));

describe("logging in to MySQL 8", () => {
  const SHA2 = "caching_sha2_password";
  const required: Upgrade = { required: true, init: { serverName: "db.example.test" } };
  const opportunistic: Upgrade = { required: false, init: { verify: false } };

  test("with caching_sha2_password, when the server knows the password", async () => {
    const { conversation, told } = script(handshake(SHA2), KNOWN, OK);
    await logIn(conversation, LOGIN, undefined);
    assert.equal(told.length, 1);
    assert.equal(told[0]?.[3], 1, "the sequence goes on");
    assert.ok(
      (told[0] as Buffer).includes(Buffer.concat([Buffer.from("ann\0\u0020"), cachingSha2])),
    );
  });
  test("over TLS, before which nobody is named", async () => {
    for (const upgrade of [required, opportunistic]) {
      const { conversation, told, tls } = script(handshake(SHA2, true), KNOWN, OK);
      await logIn(conversation, LOGIN, upgrade);
      const [request, begins, login] = told;
      assert.equal(request?.length, 4 + 32);
      assert.equal(begins, "TLS");
      assert.equal(login?.[3], 2, "the sequence goes on");
      assert.ok(Buffer.from(login as Buffer).includes("ann"));
      assert.deepEqual(tls, [upgrade.init]);
    }
  });
  test("with the password itself, over TLS alone, and only where that was demanded", async () => {
    const { conversation, told } = script(handshake(SHA2, true), FULL, OK);
    await logIn(conversation, LOGIN, required);
    assert.deepEqual(told.at(-1), Buffer.from(encodePacket(4, Buffer.from(`${PASSWORD}\0`))));
    for (const [offered, upgrade] of [
      [true, opportunistic],
      [false, opportunistic],
      [true, undefined],
    ] as const) {
      const refused = script(handshake(SHA2, offered), FULL, OK);
      await assert.rejects(
        logIn(refused.conversation, LOGIN, upgrade),
        /wants the password itself, which is sent only with options\.tls$/,
      );
      assert.ok(refused.told.every((sent) => !sent.includes(PASSWORD)));
    }
  });
  test("says nothing to a server without TLS that has to have it", async () => {
    const { conversation, told } = script(handshake(SHA2), KNOWN, OK);
    await assert.rejects(logIn(conversation, LOGIN, required), /does not go over to TLS/);
    assert.deepEqual(told, []);
  });
  test("with another method than the proposed one", async () => {
    const other = Buffer.concat([
      Buffer.from([0xfe]),
      Buffer.from("mysql_native_password\0"),
      NONCE,
      Buffer.alloc(1),
    ]);
    const { conversation, told } = script(handshake(SHA2), other, OK);
    await logIn(conversation, LOGIN, undefined);
    assert.deepEqual(told[1], Buffer.from(encodePacket(3, native)));
  });
  test("fails when the server wants a method that is not known", async () => {
    for (const method of ["client_ed25519", "mysql_clear_password"]) {
      const other = Buffer.from(`\u00fe${method}\0${"x".repeat(32)}`, "latin1");
      const { conversation, told } = script(handshake("mysql_native_password", true), other);
      await assert.rejects(logIn(conversation, LOGIN, required), {
        message: `the server asks for the authentication "${method}", expected mysql_native_password or caching_sha2_password`,
      });
      assert.ok(told.every((sent) => !sent.includes(PASSWORD)));
    }
  });
});

test("an empty password is answered with nothing", async () =>
  assert.equal((await responseTo("mysql_native_password", NONCE, "")).length, 0));
