import assert from "node:assert/strict";
import { Duplex, duplexPair } from "node:stream";
import { test } from "node:test";
import { jsonLines } from "./json-lines.ts";

/** A reader over one end of a pair: what it got, how it ended, and the other end to write raw bytes to. */
function reader(lineBytesMax?: number): {
  messages: unknown[];
  ended: () => string | undefined | null;
  other: Duplex;
} {
  const [near, other] = duplexPair();
  const messages: unknown[] = [];
  let ended: string | undefined | null = null;
  jsonLines(
    near,
    (message) => messages.push(message),
    (reason) => (ended = reason),
    lineBytesMax,
  );
  return { messages, ended: () => ended, other };
}
const settle = (): Promise<void> =>
  new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

test("messages arrive whole however the bytes are cut", async () => {
  const { messages, other } = reader();
  const bytes = Buffer.from('{"a":"ä"}\n[1]\n"x"\n');
  for (const byte of bytes) other.write(Buffer.from([byte]));
  await settle();
  assert.deepEqual(messages, [{ a: "ä" }, [1], "x"]);
});

test("a line that is no JSON ends the conversation with a reason", async () => {
  const { messages, ended, other } = reader();
  other.write('1\n{"a"\n2\n');
  await settle();
  assert.deepEqual(messages, [1]);
  assert.equal(ended(), "a line is not JSON");
});

test("a line without end is not collected for ever", async () => {
  const { ended, other } = reader(1000);
  for (let index = 0; index < 20; index++) other.write("x".repeat(100));
  await settle();
  assert.equal(ended(), "a line is longer than 1000 bytes");
});

test("send refuses when the other side does not keep up", () => {
  const stuck = new Duplex({ read() {}, write() {} });
  const lines = jsonLines<string>(
    stuck,
    () => undefined,
    () => undefined,
    1000,
  );
  assert.equal(lines.send("x".repeat(2000)), true);
  assert.equal(lines.send("y"), false);
});
