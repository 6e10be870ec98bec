import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decodeReply, encodeCommand, parseReplication } from "./resp.ts";

const octets = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = (text: string) => decodeReply(octets(text));

describe("RESP", () => {
  test("a command is an array of bulk strings, counted in octets", () =>
    assert.equal(
      new TextDecoder().decode(encodeCommand(["AUTH", "größe"])),
      "*2\r\n$4\r\nAUTH\r\n$7\r\ngröße\r\n",
    ));

  test("every type of reply is read, and what follows is left", () => {
    assert.deepEqual(decode("+PONG\r\nrest"), {
      message: { type: "text", text: "PONG" },
      length: 7,
    });
    assert.deepEqual(decode("-ERR no\r\n")?.message, { type: "error", text: "ERR no" });
    assert.deepEqual(decode(":-12\r\n")?.message, { type: "number", number: -12 });
    assert.deepEqual(decode("$-1\r\n")?.message, { type: "null" });
    assert.deepEqual(decode("$0\r\n\r\n")?.message, { type: "text", text: "" });
    assert.deepEqual(decode("*2\r\n$4\r\na\r\nb\r\n*1\r\n:1\r\n+x\r\n"), {
      message: {
        type: "array",
        items: [
          { type: "text", text: "a\r\nb" },
          { type: "array", items: [{ type: "number", number: 1 }] },
        ],
      },
      length: 22,
    });
  });

  test("an incomplete reply is waited for, wherever it is cut", () => {
    const whole = "*2\r\n$6\r\ngröß\r\n*1\r\n:1\r\n";
    const all = octets(whole);
    for (let length = 0; length < all.length; length++)
      assert.equal(decodeReply(all.subarray(0, length)), undefined, `${length} octets`);
    assert.equal(decodeReply(all)?.length, all.length);
  });

  test("what is no RESP is refused", () => {
    for (const text of ["HTTP/1.1 400\r\n", "$x\r\n", "*\r\n", "*1\r\n".repeat(20)])
      assert.throws(() => decode(text), /does not speak the redis protocol: "/, text);
  });
});

describe("INFO replication", () => {
  test("of a master: the lag is that of the slowest replica", () =>
    assert.deepEqual(
      parseReplication(
        "# Replication\r\nrole:master\r\nconnected_slaves:2\r\nslave0:ip=::1,port=1,state=online,offset=90,lag=0\r\n" +
          "slave1:ip=::1,port=2,state=online,offset=40,lag=1\r\nmaster_repl_offset:100\r\n",
      ),
      { role: "master", connectedReplicas: 2, lagBytes: 60 },
    ));
  test("of a master without replicas", () =>
    assert.deepEqual(
      parseReplication("role:master\r\nconnected_slaves:0\r\nmaster_repl_offset:7\r\n"),
      { role: "master", connectedReplicas: 0, lagBytes: 0 },
    ));
  test("of a replica whose link is up, or down", () => {
    const replica =
      "role:slave\r\nslave_read_repl_offset:30\r\nslave_repl_offset:10\r\nconnected_slaves:0\r\n";
    const common = { role: "replica", connectedReplicas: 0, lagBytes: 20 } as const;
    assert.deepEqual(
      parseReplication(`${replica}master_link_status:up\r\nmaster_last_io_seconds_ago:4\r\n`),
      { ...common, linkUp: true, silentSeconds: 4 },
    );
    assert.deepEqual(
      parseReplication(
        `${replica}master_link_status:down\r\nmaster_last_io_seconds_ago:-1\r\nmaster_link_down_since_seconds:9\r\n`,
      ),
      { ...common, linkUp: false, silentSeconds: 9 },
    );
  });
  test("without a role it is refused", () =>
    assert.throws(() => parseReplication("role:sentinel\r\n"), /found the role "sentinel"/));
});
