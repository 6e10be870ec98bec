/** Which signed packets of one virtual router have to be taken for repetitions: one node's memory of what it heard. */
import type { Message } from "./host.ts";
import type { Setup } from "./scenario.ts";

/** Behind the IPv4 header of 20 octets, the authentication header's third word (RFC 4302 section 2). */
const AH_SEQUENCE_AT = 28;
const ANYBODY = -1;

export class ReplayMemory {
  readonly #authentication: Setup["authentication"];
  /** The last that was believed, by sender. */
  readonly #heard = new Map<number, number>();

  constructor({ authentication }: Setup) {
    this.#authentication = authentication;
  }

  /**
   * A signature is believed once, and never after a later one: of the same sender, or with an authentication header of
   * anybody, because all of them count on where the last one stopped.
   */
  isRepeated({ from, serial, arrival }: Message): boolean {
    if (arrival?.family === "ipv4" && this.#authentication === "AH") {
      const { buffer, byteOffset } = arrival.bytes;
      return this.#note(ANYBODY, new DataView(buffer, byteOffset).getUint32(AH_SEQUENCE_AT));
    }
    return arrival !== undefined && this.#authentication === "HMAC" && this.#note(from, serial);
  }

  #note(who: number, sequence: number): boolean {
    if (sequence <= (this.#heard.get(who) ?? 0)) return true;
    this.#heard.set(who, sequence);
    return false;
  }
}
