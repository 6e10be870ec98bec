import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CheckerContext, ConnectInit } from "@karuntime/sdk";
import type { Conversation, Decode } from "./conversation.ts";
import { converse } from "./conversation.ts";

const OPTIONS = { timeoutMs: 1000, tls: false, tlsVerify: true, tlsServerName: "" };
const octets = (text: string): Uint8Array => new TextEncoder().encode(text);
/** A text up to a full stop. */
const sentence: Decode<string> = (received) => {
  const text = new TextDecoder().decode(received);
  const length = text.indexOf(".") + 1;
  return length === 0 ? undefined : { message: text.slice(0, length), length };
};

/** Talks with a server that sends these pieces, then ends, or never says anything again. */
async function talkWith(
  pieces: readonly string[],
  talk: (conversation: Conversation) => Promise<string | undefined>,
  {
    address = "192.0.2.1",
    options = OPTIONS,
    ends = true,
    connects = true,
  }: {
    readonly address?: string;
    readonly options?: typeof OPTIONS;
    readonly ends?: boolean;
    readonly connects?: boolean;
  } = {},
) {
  const waiting = pieces.map(octets);
  const never = new Promise<never>(() => undefined);
  const seen: { target: string; init: ConnectInit | undefined; written: string; closed: number } = {
    target: "",
    init: undefined,
    written: "",
    closed: 0,
  };
  const connect = (target: string, init?: ConnectInit) => {
    Object.assign(seen, { target, init });
    if (!connects) return never;
    return Promise.resolve({
      certificate: null,
      write: (data: string | Uint8Array) =>
        Promise.resolve(void (seen.written += Buffer.from(data as Uint8Array).toString())),
      read: () =>
        waiting.length === 0 && !ends ? never : Promise.resolve(waiting.shift() ?? null),
      readUntil: () => never,
      expect: () => never,
      startTls: () => never,
      close: () => void seen.closed++,
    });
  };
  const context = {
    target: { address, port: 7, virtualService: "" },
    // As much of it as a conversation uses: no streams.
    connect: connect as unknown as CheckerContext["connect"],
    down: (reason: string) => ({ down: reason }),
  };
  const judged = await converse(context, options, talk);
  return { ...seen, reason: judged?.down };
}

describe("a conversation", () => {
  test("connects to the target, cuts messages out of what comes, and ends the connection", async () => {
    const messages: string[] = [];
    const seen = await talkWith(["On", "e. Two", ". Three."], async ({ send, receive }) => {
      await send("the question", octets("Count!"));
      for (let count = 0; count < 3; count++) messages.push(await receive(sentence));
      return undefined;
    });
    assert.deepEqual(messages, ["One.", " Two.", " Three."]);
    assert.deepEqual(seen, {
      target: "192.0.2.1:7",
      init: {},
      written: "Count!",
      closed: 1,
      reason: undefined,
    });
  });

  test("writes an IPv6 address as connect expects it, and asks for TLS", async () => {
    const quiet = () => Promise.resolve(undefined);
    const address = "2001:db8::1";
    const tls = { ...OPTIONS, tls: true };
    const named = { ...tls, tlsVerify: false, tlsServerName: "db.example.test" };
    const first = await talkWith([], quiet, { address, options: tls });
    assert.equal(first.target, "[2001:db8::1]:7");
    assert.deepEqual(first.init, { tls: { verify: true } });
    const second = await talkWith([], quiet, { options: named });
    assert.deepEqual(second.init, { tls: { verify: false, serverName: "db.example.test" } });
  });

  test("says what it waited for when time is over", async () => {
    const options = { ...OPTIONS, timeoutMs: 20 };
    const ask = async ({ send, receive }: Conversation): Promise<string> => {
      await receive(sentence);
      await send("PING", octets("PING"));
      return receive(sentence);
    };
    const reasonOf = async (pieces: readonly string[], connects: boolean) =>
      (await talkWith(pieces, ask, { options, ends: false, connects })).reason;
    assert.equal(await reasonOf([], false), "no connection within 20 ms");
    assert.equal(await reasonOf(["Hel"], true), "no greeting within 20 ms");
    assert.equal(await reasonOf(["Hello."], true), "no answer to PING within 20 ms");
  });

  test("is down for the reason that it comes to, or for what is thrown, and ends the connection", async () => {
    assert.equal((await talkWith([], () => Promise.resolve("it is old"))).reason, "it is old");
    const ended = await talkWith(["Hel"], ({ receive }) => receive(sentence));
    assert.equal(ended.reason, "no greeting: the server closed the connection");
    assert.equal(ended.closed, 1);
  });

  test("does not take an endless message", async () => {
    const pieces = Array.from({ length: 40 }, () => "x".repeat(64 * 1024));
    const { reason } = await talkWith(pieces, ({ receive }) => receive(sentence));
    assert.equal(reason, "the greeting is longer than 1048576 bytes");
  });
});
