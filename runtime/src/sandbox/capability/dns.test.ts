/** Questions to a server that answers as the test says: rightly, or with what an attacker or a broken server may send. */
import assert from "node:assert/strict";
import type { RemoteInfo, Socket } from "node:dgram";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { DnsAnswer } from "./dns-message.ts";
import { createQuestions } from "./dns.ts";

const RESPONSE = 0x8180;
const AUTHORITATIVE = 0x0400;
const TRUNCATED = 0x0200;
/** A pointer to the question's name. */
const QUESTION_NAME = [0xc0, 12];

interface Reply {
  readonly flags?: number;
  readonly records?: readonly (readonly number[])[];
  readonly count?: number;
  readonly change?: (message: Buffer) => Buffer;
}

/** The reply to a question: its header and its question, and these records. */
function answerTo(
  question: Buffer,
  { flags = RESPONSE, records = [], count, change }: Reply,
): Buffer {
  const message = Buffer.concat([question, ...records.map((record) => Buffer.from(record))]);
  message.writeUInt16BE(flags, 2);
  message.writeUInt16BE(count ?? records.length, 6);
  return change?.(message) ?? message;
}

function record(type: number, data: readonly number[], name: readonly number[] = QUESTION_NAME) {
  return [
    ...name,
    type >> 8,
    type & 255,
    0,
    1,
    0,
    0,
    0,
    60,
    data.length >> 8,
    data.length & 255,
  ].concat(data);
}

const text = (value: string): number[] => [value.length, ...Buffer.from(value, "latin1")];

describe("dns", () => {
  let udp: Socket;
  let tcp: Server;
  let server = "";
  let replies: readonly Reply[] = [];
  let streamReply: Reply = {};
  const ports = new Set<number>();
  const ids = new Set<number>();

  before(async () => {
    tcp = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", (data: Buffer) => {
        const message = answerTo(data.subarray(2), streamReply);
        const length = Buffer.alloc(2);
        length.writeUInt16BE(message.length);
        socket.write(length);
        socket.end(message);
      });
    });
    tcp.listen(0, "127.0.0.1");
    await once(tcp, "listening");
    const { port } = tcp.address() as { port: number };
    udp = createSocket("udp4");
    udp.on("message", (question: Buffer, from: RemoteInfo) => {
      ports.add(from.port);
      ids.add(question.readUInt16BE(0));
      for (const reply of replies) udp.send(answerTo(question, reply), from.port, from.address);
    });
    udp.bind(port, "127.0.0.1");
    await once(udp, "listening");
    server = `127.0.0.1:${port}`;
  });
  after(() => {
    udp.close();
    tcp.close();
  });

  function ask(given: readonly Reply[], type = "A", name = "www.example.com"): Promise<DnsAnswer> {
    replies = given;
    return createQuestions([server]).ask(
      { name, type, server, timeoutMs: 300 },
      new AbortController().signal,
    );
  }
  async function dataOf(type: string, number: number, data: readonly number[]): Promise<unknown> {
    const { answers } = await ask([{ records: [record(number, data)] }], type);
    assert.deepEqual(
      answers.map(({ name, type: found, ttl }) => [name, found, ttl]),
      [["www.example.com", type, 60]],
    );
    return answers[0]?.data;
  }

  test("the data of each type", async () => {
    const host = [...text("a"), ...QUESTION_NAME];
    assert.equal(await dataOf("A", 1, [192, 0, 2, 1]), "192.0.2.1");
    const v6 = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    assert.equal(await dataOf("AAAA", 28, v6), "2001:db8::1");
    for (const [type, number] of [
      ["CNAME", 5],
      ["NS", 2],
      ["PTR", 12],
    ] as const)
      assert.equal(await dataOf(type, number, host), "a.www.example.com");
    assert.deepEqual(await dataOf("MX", 15, [0, 10, ...host]), {
      preference: 10,
      exchange: "a.www.example.com",
    });
    assert.deepEqual(await dataOf("SRV", 33, [0, 1, 0, 2, 0, 80, ...host]), {
      priority: 1,
      weight: 2,
      port: 80,
      target: "a.www.example.com",
    });
    assert.equal(await dataOf("TXT", 16, [...text("v=spf1 "), ...text("-all")]), "v=spf1 -all");
    const numbers = [1, 2, 3, 4, 5].flatMap((number) => [0, 0, 0, number]);
    assert.deepEqual(await dataOf("SOA", 6, [...host, ...host, ...numbers]), {
      mname: "a.www.example.com",
      rname: "a.www.example.com",
      serial: 1,
      refresh: 2,
      retry: 3,
      expire: 4,
      minimum: 5,
    });
    const caa = [0x80, ...text("issue"), ...Buffer.from("ca.example")];
    assert.deepEqual(await dataOf("CAA", 257, caa), {
      flags: 128,
      tag: "issue",
      value: "ca.example",
      issuerCritical: true,
    });
    assert.equal(await dataOf("TYPE65", 65, [0, 1, 0, 255]), "000100ff");
    assert.equal(await dataOf("TYPE65280", 65280, []), "");
  });

  test("codes and the authoritative flag are told; no answer is one too", async () => {
    const found = await ask([{ flags: RESPONSE | AUTHORITATIVE | 3 }]);
    assert.deepEqual(found, { rcode: "NXDOMAIN", authoritative: true, answers: [] });
    assert.deepEqual(await ask([{ flags: RESPONSE | 5 }]), {
      rcode: "REFUSED",
      authoritative: false,
      answers: [],
    });
    assert.equal((await ask([{ flags: RESPONSE | 11 }])).rcode, "RCODE11");
    assert.equal((await ask([{}], "NS", ".")).rcode, "NOERROR");
  });

  test("what has another id, another question, or is none, is no answer", async () => {
    const forged = { records: [record(1, [6, 6, 6, 6])] };
    const wrong: readonly ((message: Buffer) => Buffer)[] = [
      (message) => (message.writeUInt16BE(message.readUInt16BE(0) ^ 1, 0), message),
      (message) => Buffer.from(message.toString("latin1").replace("www", "wwx"), "latin1"),
      (message) => (message.writeUInt16BE(28, 12 + 17), message),
      (message) => (message.writeUInt16BE(0x0100, 2), message),
      (message) => (message.writeUInt16BE(0, 4), message),
      (message) => message.subarray(0, 11),
      () => Buffer.alloc(0),
    ];
    const right = { records: [record(1, [192, 0, 2, 1])] };
    const { answers } = await ask([...wrong.map((change) => ({ ...forged, change })), right]);
    assert.equal(answers[0]?.data, "192.0.2.1");
    await assert.rejects(
      ask(wrong.map((change) => ({ ...forged, change }))),
      /^Error: dns: 127\.0\.0\.1:\d+: no answer within 300 ms$/,
    );
  });

  test("an error's header alone is an answer, without an error, with a count or another id it is none", async () => {
    const header = (message: Buffer): Buffer => (
      message.writeUInt16BE(0, 4),
      message.subarray(0, 12)
    );
    assert.deepEqual(await ask([{ flags: RESPONSE | 5, change: header }]), {
      rcode: "REFUSED",
      authoritative: false,
      answers: [],
    });
    const wrong: readonly Reply[] = [
      { change: header },
      { flags: RESPONSE | 5, change: (message) => message.subarray(0, 12) },
      { flags: RESPONSE | 5, count: 1, change: header },
      {
        flags: RESPONSE | 5,
        change: (message) => (
          message.writeUInt16BE(message.readUInt16BE(0) ^ 1, 0),
          header(message)
        ),
      },
    ];
    await assert.rejects(ask(wrong), /no answer within 300 ms$/);
  });

  test("the case of the name may differ", async () => {
    const change = (message: Buffer): Buffer =>
      Buffer.from(
        message.toString("latin1").replace("www.", "WWW.").replace("example", "eXaMple"),
        "latin1",
      );
    assert.equal((await ask([{ change }])).rcode, "NOERROR");
  });

  test("malformed answers are errors, and end", async () => {
    const loops: readonly Reply[] = [
      // A name that points to itself, two that point to each other, one that points forward, one that never ends.
      { records: [record(1, [1, 2, 3, 4], [0xc0, 33])] },
      { records: [record(1, [1, 2, 3, 4], [0xc0, 35]), record(1, [1, 2, 3, 4], [0xc0, 33])] },
      { records: [record(1, [1, 2, 3, 4], [0xc0, 200])] },
      {
        records: [
          [63, ...Buffer.alloc(63)],
          [63, ...Buffer.alloc(63)],
        ],
      },
      { records: [record(5, [0xc0, 45])] },
    ];
    const cut: readonly Reply[] = [
      { records: [record(1, [1, 2, 3])] },
      { records: [record(1, [1, 2, 3, 4, 5])] },
      { records: [record(1, [1, 2, 3, 4]).slice(0, -1)] },
      { records: [record(16, [200, 1])] },
      { records: [record(15, [1])] },
      { records: [record(257, [])] },
      { records: [record(6, QUESTION_NAME)] },
      { records: [], count: 200 },
      { records: [record(0, [], [0x80])] },
    ];
    for (const [index, reply] of [...loops, ...cut].entries())
      await assert.rejects(ask([reply]), /the answer is malformed/, String(index));
    await assert.rejects(ask([{ records: [], count: 65_535 }]), /found 65535 records/);
  });

  test("authorities and additional records are not looked at", async () => {
    const change = (message: Buffer): Buffer => (message.writeUInt32BE(0xffff_ffff, 8), message);
    const { answers } = await ask([{ records: [record(1, [192, 0, 2, 1])], change }]);
    assert.equal(answers.length, 1);
  });

  test("what is truncated is asked for over TCP, where it may be large", async () => {
    const many = Array.from({ length: 200 }, (_, index) =>
      record(16, text("x".repeat(200 - (index % 2)))),
    );
    streamReply = { records: many };
    const { answers } = await ask(
      [{ flags: RESPONSE | TRUNCATED, records: [[1]], count: 1 }],
      "TXT",
    );
    assert.equal(answers.length, 200);
    const long = text("x".repeat(63));
    const expanding = record(2, [...long, ...long, ...long, ...QUESTION_NAME]);
    streamReply = {
      records: Array.from({ length: 200 }, (_, index) =>
        // Each points to the one long name in the first.
        index === 0 ? expanding : record(2, [0xc0, 33 + 12], [0xc0, 33 + 12]),
      ),
    };
    await assert.rejects(
      ask([{ flags: RESPONSE | TRUNCATED }], "NS"),
      /found 9\d{4} characters in the answer's records, expected at most 65536/,
    );
    streamReply = { records: Array.from({ length: 201 }, () => record(1, [1, 2, 3, 4])) };
    await assert.rejects(
      ask([{ flags: RESPONSE | TRUNCATED }], "TXT"),
      /found 201 records in the answer, expected at most 200/,
    );
    streamReply = {
      change: (message) => (message.writeUInt8(message.readUInt8(0) ^ 1, 0), message),
    };
    await assert.rejects(
      ask([{ flags: RESPONSE | TRUNCATED }]),
      /over TCP: what came is no answer to the question/,
    );
    streamReply = { change: () => Buffer.alloc(0) };
    await assert.rejects(ask([{ flags: RESPONSE | TRUNCATED }]), /over TCP/);
  });

  test("ids and ports differ from question to question", async () => {
    ids.clear();
    ports.clear();
    for (let count = 0; count < 10; count++) await ask([{}]);
    assert.ok(ids.size > 7, String(ids.size));
    assert.ok(ports.size > 3, String(ports.size));
  });

  test("what is no name or no type is not asked", async () => {
    for (const name of ["", "a..b", "x".repeat(64), "a b", "ü.example", "a.".repeat(127) + "bc"])
      await assert.rejects(ask([{}], "A", name), /expected a name/, name);
    for (const type of ["", "Z", "a", "TYPE0", "TYPE65536", "toString", "TYPE1x"])
      await assert.rejects(ask([{}], type), /expected TYPE and a number/, type);
    for (const type of ["TYPE252", "TYPE255"]) await assert.rejects(ask([{}], type), /no type of/);
  });

  test("only granted servers are asked; without one, the first that this host asks", async () => {
    const { signal } = new AbortController();
    const given = { name: "www.example.com", type: "A", timeoutMs: 100 };
    for (const other of ["192.0.2.53:53", null])
      await assert.rejects(
        createQuestions([server]).ask({ ...given, server: other }, signal),
        /not permitted: to ask the DNS server (?:192\.0\.2\.53:53|system), add it to the plugin: permissions: \{ dns: \["/,
      );
    const folder = mkdtempSync(join(tmpdir(), "karuntime-dns-"));
    try {
      const file = join(folder, "resolv.conf");
      const system = () =>
        createQuestions(["system"], file).ask({ ...given, server: null }, signal);
      writeFileSync(
        file,
        "# nameserver 192.0.2.1\nsearch x\n nameserver  127.0.0.9\nnameserver 127.0.0.8\n",
      );
      await assert.rejects(system(), /^Error: dns: 127\.0\.0\.9:53: nobody listens there/);
      writeFileSync(file, "nameserver localhost\n");
      await assert.rejects(system(), /resolv\.conf names "localhost", expected an address/);
      rmSync(file);
      mkdirSync(file);
      await assert.rejects(system(), /resolv\.conf cannot be read/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("it ends with the signal", async () => {
    replies = [];
    await assert.rejects(
      createQuestions([server]).ask(
        { name: "www.example.com", type: "A", server, timeoutMs: 5000 },
        AbortSignal.timeout(50),
      ),
      /it was given up/,
    );
  });
});
