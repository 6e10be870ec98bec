/** `connect` in a test: the other side says what its script says. */
import type { Conversation } from "./fakes.ts";
import { MissingFakeError } from "./record.ts";
import type { Talk } from "./socket.ts";

/** @throws MissingFakeError, later, when the plugin does not keep to the script. */
export function converse(target: string, conversation: Conversation): Talk {
  const { steps, certificate = null } =
    "steps" in conversation ? conversation : { steps: conversation };
  let next = 0;
  let written = "";
  let pending = new Uint8Array();
  let closed = false;

  /** Goes on as far as the other side would without hearing more. */
  function advance(): void {
    for (;;) {
      const step = steps[next];
      if (step === undefined || !heard(step.expect)) return;
      written = "";
      next++;
      if (step.reply !== undefined) pending = join(pending, octetsOf(step.reply));
    }
  }

  function heard(expect: string | RegExp | undefined): boolean {
    if (expect === undefined) return true;
    if (typeof expect !== "string") return written !== "" && expect.test(written);
    if (!expect.startsWith(written))
      throw new MissingFakeError(
        `connect ${target}: the plugin wrote ${JSON.stringify(written)}, the conversation expects ${JSON.stringify(expect)}`,
      );
    return written === expect;
  }

  /** Nothing has come: whether that is the end. */
  function atEnd(): boolean {
    const expect = steps[next]?.expect;
    if (expect === undefined) return true;
    throw new MissingFakeError(
      `connect ${target}: the plugin reads, the conversation expects it to write ${typeof expect === "string" ? JSON.stringify(expect) : String(expect)} first`,
    );
  }

  function take(length: number): Uint8Array {
    const taken = pending.slice(0, length);
    pending = pending.slice(length);
    return taken;
  }

  function mustBeOpen(): void {
    if (closed) throw new Error("connect: the connection is closed");
  }

  advance();
  return {
    certificate,
    async write(data) {
      mustBeOpen();
      if (next >= steps.length) return;
      written += typeof data === "string" ? data : new TextDecoder().decode(data);
      advance();
    },
    async read() {
      mustBeOpen();
      if (pending.length > 0) return take(pending.length);
      atEnd();
      return null;
    },
    async readUntil(delimiter) {
      mustBeOpen();
      const text = new TextDecoder().decode(pending);
      const at = text.indexOf(delimiter);
      if (at < 0) {
        atEnd();
        throw new Error(
          `connect: the other side closed the connection before ${JSON.stringify(delimiter)} came`,
        );
      }
      const found = text.slice(0, at + delimiter.length);
      take(octetsOf(found).length);
      return found;
    },
    async expect(data) {
      mustBeOpen();
      const wanted = octetsOf(data);
      const found = take(wanted.length);
      if (found.length === wanted.length && found.every((octet, index) => octet === wanted[index]))
        return;
      if (found.length === 0) atEnd();
      const decode = (octets: Uint8Array): string =>
        JSON.stringify(new TextDecoder().decode(octets));
      throw new Error(
        `connect: expected ${decode(wanted)}, but ${found.length === 0 ? "nothing" : decode(found)} came`,
      );
    },
    close() {
      closed = true;
    },
  };
}

function octetsOf(data: string | Uint8Array): Uint8Array {
  return typeof data === "string" ? new TextEncoder().encode(data) : data;
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
