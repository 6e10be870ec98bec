import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  decodeMessage,
  encodePassword,
  encodeQuery,
  encodeSaslInitial,
  encodeStartup,
  encodeTerminate,
  textsOf,
} from "./protocol.ts";

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString("hex");
const decode = (type: string, body: Buffer) => {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return decodeMessage(Buffer.concat([head, body]))?.message;
};

describe("requests", () => {
  test("the startup has a length, a version and pairs", () =>
    assert.equal(
      hex(encodeStartup({ user: "a", database: "b" })),
      `0000001b00030000${Buffer.from("user\0a\0database\0b\0\0").toString("hex")}`,
    ));
  test("the others have a type and a length that counts itself", () => {
    assert.equal(hex(encodeQuery("é")), "5100000007c3a900");
    assert.equal(hex(encodePassword("x")), "70000000067800");
    assert.equal(hex(encodeSaslInitial("S", "n,,")), "700000000d5300000000036e2c2c");
    assert.equal(hex(encodeTerminate()), "5800000004");
  });
});

describe("messages", () => {
  test("of authentication carry a method and data", () => {
    const message = decode("R", Buffer.from("0000000a534352414d2d5348412d3235360000", "hex"));
    assert.equal(message?.type, "authentication");
    if (message?.type !== "authentication") return;
    assert.equal(message.method, 10);
    assert.deepEqual(textsOf(message.data), ["SCRAM-SHA-256"]);
  });
  test("of rows carry texts and NULL", () =>
    assert.deepEqual(decode("D", Buffer.from("00030000000174ffffffff00000000", "hex")), {
      type: "row",
      values: ["t", null, ""],
    }));
  test("of errors carry a code and a text", () =>
    assert.deepEqual(decode("E", Buffer.from("SFATAL\0C28P01\0Mno entry\0\0")), {
      type: "error",
      code: "28P01",
      text: "no entry",
    }));
  test("are waited for, wherever they are cut, and leave what follows", () => {
    const octets = Buffer.from("5a00000005495a00", "hex");
    for (let length = 0; length < 6; length++)
      assert.equal(decodeMessage(octets.subarray(0, length)), undefined, `${length} octets`);
    assert.deepEqual(decodeMessage(octets), { message: { type: "ready" }, length: 6 });
  });
  test("of other protocols are refused", () => {
    for (const octets of [
      Buffer.from("HTTP/1.1"),
      Buffer.from("527fffffff", "hex"),
      Buffer.from("5200000003", "hex"),
      Buffer.from("520000000400", "hex"),
      Buffer.from("440000000a000100000005", "hex"),
      Buffer.from("4400000008000200000000", "hex"),
    ])
      assert.throws(
        () => decodeMessage(octets),
        /does not speak the PostgreSQL protocol/,
        hex(octets),
      );
  });
});
