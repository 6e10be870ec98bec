/** The conversation with servers that are not on every machine: a scripted server stands for MySQL 8. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import type { Conversation } from "../../conversation.ts";
import { responseTo } from "./credentials.ts";
import { encodePacket } from "./protocol.ts";
import { logIn } from "./session.ts";

const NONCE = Buffer.from("12345678abcdefghijkl");
const PASSWORD = "größe";

/** Sends these payloads one after the other, whatever it is sent. */
function script(...payloads: readonly Buffer[]): {
  readonly conversation: Conversation;
  readonly sent: Buffer[];
} {
  const sent: Buffer[] = [];
  const waiting = payloads.map((payload, index) => encodePacket(index * 2, payload));
  return {
    sent,
    conversation: {
      send: (_step, octets) => Promise.resolve(void sent.push(Buffer.from(octets))),
      receive(decode) {
        const decoded = decode(waiting.shift() ?? new Uint8Array());
        assert.ok(decoded !== undefined);
        return Promise.resolve(decoded.message);
      },
    },
  };
}

const handshake = (method: string): Buffer =>
  Buffer.concat([
    Buffer.from("\u000a8.4.3\0"),
    Buffer.alloc(4),
    NONCE.subarray(0, 8),
    Buffer.alloc(19),
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
  test("with caching_sha2_password, when the server knows the password", async () => {
    const { conversation, sent } = script(handshake("caching_sha2_password"), KNOWN, OK);
    await logIn(conversation, "ann", PASSWORD);
    assert.equal(sent.length, 1);
    assert.equal(sent[0]?.[3], 1, "the sequence goes on");
    assert.ok(sent[0].includes(Buffer.concat([Buffer.from("ann\0\u0020"), cachingSha2])));
  });
  test("with another method than the proposed one", async () => {
    const other = Buffer.concat([
      Buffer.from([0xfe]),
      Buffer.from("mysql_native_password\0"),
      NONCE,
      Buffer.alloc(1),
    ]);
    const { conversation, sent } = script(handshake("caching_sha2_password"), other, OK);
    await logIn(conversation, "ann", PASSWORD);
    assert.deepEqual(sent[1], Buffer.from(encodePacket(3, native)));
  });
  test("fails when the server does not have the password in its cache, and says what to do", () =>
    assert.rejects(
      logIn(script(handshake("caching_sha2_password"), FULL).conversation, "ann", PASSWORD),
      /log in as this user with another client once/,
    ));
  test("fails when the server wants a method that is not known", () => {
    const other = Buffer.from("\u00feclient_ed25519\0" + "x".repeat(32), "latin1");
    return assert.rejects(
      logIn(script(handshake("mysql_native_password"), other).conversation, "ann", PASSWORD),
      /asks for the authentication "client_ed25519", expected mysql_native_password or caching_sha2_password/,
    );
  });
});

test("an empty password is answered with nothing", async () =>
  assert.equal((await responseTo("mysql_native_password", NONCE, "")).length, 0));
