/** A server for unit tests of conversations: it says what is written in its script, whatever it is told. */
import assert from "node:assert/strict";
import type { TlsInit } from "@karuntime/sdk";
import type { Conversation } from "./conversation.ts";

/** What it says; a function is given what it was told last. */
export type Step = Uint8Array | ((told: Buffer) => Uint8Array);

/** @returns the conversation with it, and all that it was told; "TLS" where that began. */
export function script(...steps: readonly Step[]): {
  readonly conversation: Conversation;
  readonly told: (Buffer | "TLS")[];
  /** How TLS began, if it did. */
  readonly tls: TlsInit[];
} {
  const told: (Buffer | "TLS")[] = [];
  const tls: TlsInit[] = [];
  const waiting = [...steps];
  return {
    told,
    tls,
    conversation: {
      send: (_step, octets) => Promise.resolve(void told.push(Buffer.from(octets))),
      startTls(init) {
        told.push("TLS");
        tls.push(init);
        return Promise.resolve();
      },
      receive(decode) {
        const step = waiting.shift();
        assert.ok(step !== undefined, "the server has nothing more to say");
        const last = told.findLast((sent) => sent !== "TLS") ?? Buffer.alloc(0);
        const octets = typeof step === "function" ? step(last) : step;
        const decoded = decode(octets);
        assert.ok(decoded !== undefined, "it says no whole message");
        if (decoded.length < octets.length) waiting.unshift(octets.subarray(decoded.length));
        return Promise.resolve(decoded.message);
      },
    },
  };
}
