import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  decodePacket,
  encodeLogin,
  encodePacket,
  encodeQuery,
  encodeTlsRequest,
  isEnd,
  parseColumnName,
  parseHandshake,
  parseLoginAnswer,
  parseQueryAnswer,
  parseRow,
  ServerError,
} from "./protocol.ts";

const bytes = (...parts: readonly (string | readonly number[])[]): Buffer =>
  Buffer.concat(parts.map((part) => Buffer.from(part as string)));
const NONCE = "12345678abcdefghijkl";
const handshake = bytes(
  [10],
  "5.5.5-10.11.19-MariaDB\0",
  [1, 0, 0, 0],
  NONCE.slice(0, 8),
  [0, 0xff, 0xf7, 45, 2, 0, 0xff, 0x81, 21],
  Array.from({ length: 10 }, () => 0),
  NONCE.slice(8),
  "\0mysql_native_password\0",
);
const DENIED = bytes([0xff, 0x15, 0x04], "#28000Access denied");

describe("packets", () => {
  test("have a length and a sequence", () =>
    assert.deepEqual([...encodePacket(3, encodeQuery("é"))], [3, 0, 0, 3, 3, 0xc3, 0xa9]));
  test("are waited for, wherever they are cut, and leave what follows", () => {
    const octets = bytes([2, 0, 0, 7], "ab", [9]);
    for (let length = 0; length < 6; length++)
      assert.equal(decodePacket(octets.subarray(0, length)), undefined, `${length} octets`);
    const decoded = decodePacket(octets);
    assert.equal(decoded?.length, 6);
    assert.equal(decoded.message.sequence, 7);
    assert.deepEqual([...decoded.message.payload], [...bytes("ab")]);
  });
  test("of other protocols are refused", () => {
    for (const octets of [bytes("HTTP/1.1 400"), bytes([0, 0, 0, 0])])
      assert.throws(() => decodePacket(octets), /does not speak the MySQL protocol/);
  });
});

describe("the login", () => {
  test("begins with the server's nonce, in two parts", () => {
    const { nonce, method, tls } = parseHandshake(handshake);
    assert.equal(Buffer.from(nonce).toString(), NONCE);
    assert.equal(method, "mysql_native_password");
    assert.equal(tls, false);
    const withTls = Buffer.from(handshake);
    withTls.writeUInt16LE(0xffff, 5 + handshake.indexOf(0, 1) + 8 + 1);
    assert.equal(parseHandshake(withTls).tls, true);
  });
  test("cannot begin with anything else", () => {
    assert.throws(() => parseHandshake(bytes([9], "3.23")), /does not speak the MySQL protocol/);
    for (let length = 1; length < 50; length++)
      assert.throws(() => parseHandshake(handshake.subarray(0, length)), /MySQL protocol/);
    assert.throws(
      () => parseHandshake(bytes([0xff, 0x10, 0x04], "Too many connections")),
      (error) => error instanceof ServerError && error.code === 1040,
    );
  });
  test("names the user, the answer and the method", () => {
    const login = Buffer.from(encodeLogin("ann", "mysql_native_password", bytes([1, 2]), false));
    assert.equal(login.readUInt32LE(0), 0x0008_a201);
    assert.equal(login[8], 45);
    const overTls = Buffer.from(encodeLogin("ann", "mysql_native_password", bytes([]), true));
    assert.equal(overTls.readUInt32LE(0), 0x0008_aa01);
    assert.deepEqual(Buffer.from(encodeTlsRequest()), overTls.subarray(0, 32));
    assert.equal(login.toString("latin1", 32), "ann\0\u0002\u0001\u0002mysql_native_password\0");
  });
  test("is answered by consent, refusal, another method, or a word of the method", () => {
    assert.deepEqual(parseLoginAnswer(bytes([0, 0, 0, 2, 0, 0, 0])), { type: "ok" });
    assert.throws(() => parseLoginAnswer(DENIED), { message: "Access denied (1045)" });
    const other = parseLoginAnswer(bytes([0xfe], `caching_sha2_password\0${NONCE}\0`));
    assert.equal(other.type === "switch" && other.method, "caching_sha2_password");
    assert.equal(other.type === "switch" && Buffer.from(other.nonce).toString(), NONCE);
    const more = parseLoginAnswer(bytes([1, 4]));
    assert.deepEqual(more.type === "more" && [...more.data], [4]);
    assert.throws(() => parseLoginAnswer(bytes([7])), /does not speak the MySQL protocol/);
  });
});

describe("an answer to a query", () => {
  test("is consent, refusal, or a number of columns; a file it is not given", () => {
    assert.deepEqual(parseQueryAnswer(bytes([0, 0, 0])), { type: "ok" });
    assert.deepEqual(parseQueryAnswer(bytes([0xfc, 0x01, 0x01])), { type: "columns", count: 257 });
    assert.throws(() => parseQueryAnswer(DENIED), { message: "Access denied (1045)" });
    assert.throws(() => parseQueryAnswer(bytes([0xfb], "/etc/passwd")), /asks for a file/);
  });
  test("has columns with names", () => {
    const definition = bytes([3], "def", [0, 0, 0, 9], "read_only", [0, 12]);
    assert.equal(parseColumnName(definition), "read_only");
  });
  test("has rows of texts and NULL, up to an end", () => {
    assert.deepEqual(parseRow(bytes([1], "a", [0xfb, 0]), 3), ["a", null, ""]);
    const long = "x".repeat(300);
    assert.deepEqual(parseRow(bytes([0xfc, 0x2c, 0x01], long), 1), [long]);
    assert.equal(parseRow(bytes([0xfe, 0, 0, 2, 0]), 3), undefined);
    assert.ok(!isEnd(bytes([0xfe, 0, 0, 0, 0, 0, 0, 0, 0])));
    assert.throws(() => parseRow(bytes([5], "abc"), 1), /does not speak the MySQL protocol/);
  });
});
