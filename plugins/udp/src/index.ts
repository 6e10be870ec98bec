/** Sends a UDP server one datagram: up when what comes back begins as expected. */
import { defineChecker } from "@karuntime/sdk";
import { beginsAs, bytesOfHex, hexOf } from "./payload.ts";

export default defineChecker({
  options: {
    send: { type: "string", default: "", description: "what to send" },
    sendAs: { type: "string", choices: ["text", "hex"], default: "text" },
    expect: { type: "string", default: "", description: "what the answer begins with" },
    expectAs: { type: "string", choices: ["text", "hex", "regex"], default: "text" },
    answer: { type: "boolean", default: true, description: "whether an answer has to come" },
    waitMs: { type: "number", default: 300, min: 1, max: 60_000, description: "how long for" },
  },
  async check({ target, options, udp, down }) {
    const data = options.sendAs === "hex" ? bytesOfHex(options.send) : options.send;
    const patience = AbortSignal.timeout(options.waitMs);
    let answer: Uint8Array;
    try {
      answer = await udp(target.place, data, { signal: patience });
    } catch (error) {
      if (!patience.aborted) return down((error as Error).message);
      // Without an ICMP error by now, somebody listens there.
      return options.answer ? down(`no answer within ${options.waitMs} ms`) : undefined;
    }
    if (!beginsAs(answer, options.expect, options.expectAs))
      return down(`it answered ${hexOf(answer)}, expected ${JSON.stringify(options.expect)}`);
  },
});
