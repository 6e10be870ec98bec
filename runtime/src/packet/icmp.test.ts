import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { AddressFamily } from "./address.ts";
import { octetsOf, parseAddress } from "./address.ts";
import { internetChecksum } from "./checksum.ts";
import { emitEchoRequest, parseIcmp } from "./icmp.ts";

const KEY = 0x1234_fffe;
const data = Uint8Array.from({ length: 16 }, (_, index) => index);
const destinations = { ipv4: "192.0.2.1", ipv6: "2001:db8::1" } as const;
const numbers = {
  ipv4: { request: 8, reply: 0, unreachable: 3, timeExceeded: 11 },
  ipv6: { request: 128, reply: 129, unreachable: 1, timeExceeded: 3 },
} as const;

/** The header of the packet that an error is about. */
function header(family: AddressFamily): Uint8Array {
  const destination = parseAddress(destinations[family]);
  assert.ok(destination !== undefined);
  const octets = new Uint8Array(family === "ipv4" ? 20 : 40);
  octets[0] = family === "ipv4" ? 0x45 : 0x60;
  octets[family === "ipv4" ? 9 : 6] = family === "ipv4" ? 1 : 58;
  octets.set(octetsOf(destination), family === "ipv4" ? 16 : 24);
  return octets;
}

function error(type: number, packet: Uint8Array): Uint8Array {
  return Uint8Array.from([type, 1, 0, 0, 0, 0, 0, 0, ...packet]);
}

for (const family of ["ipv4", "ipv6"] as const) {
  describe(`ICMP echo, ${family}`, () => {
    const { request, reply, unreachable, timeExceeded } = numbers[family];
    const sent = emitEchoRequest(family, KEY, data);

    test("a request has type, code, checksum, identifier, sequence and data", () => {
      assert.deepEqual([...sent.subarray(0, 2)], [request, 0]);
      assert.deepEqual([...sent.subarray(4)], [0x12, 0x34, 0xff, 0xfe, ...data]);
      if (family === "ipv4") assert.equal(internetChecksum(sent), 0);
      else assert.deepEqual([...sent.subarray(2, 4)], [0, 0]);
    });

    test("a reply is read, a request is not", () => {
      const message = Uint8Array.from([reply, ...sent.subarray(1)]);
      assert.deepEqual(parseIcmp(family, message), { type: "reply", key: KEY, data });
      assert.equal(parseIcmp(family, sent), undefined);
      assert.equal(parseIcmp(family, message.subarray(0, 7)), undefined);
    });

    test("an error tells the request that it is about, also when it quotes 8 octets of it", () => {
      for (const [type, word] of [
        [unreachable, "unreachable"],
        [timeExceeded, "time-exceeded"],
      ] as const)
        for (const quoted of [sent, sent.subarray(0, 8)])
          assert.deepEqual(
            parseIcmp(family, error(type, Uint8Array.from([...header(family), ...quoted]))),
            { type: word, key: KEY, destination: destinations[family], request: quoted },
          );
    });

    test("an error about anything else, or cut off, is none", () => {
      const whole = Uint8Array.from([...header(family), ...sent]);
      const about = (change: (packet: Uint8Array) => Uint8Array) =>
        parseIcmp(family, error(unreachable, change(whole.slice())));
      const protocolAt = family === "ipv4" ? 9 : 6;
      const requestAt = header(family).length;
      assert.equal(
        about((packet) => packet.fill(17, protocolAt, protocolAt + 1)),
        undefined,
      );
      assert.equal(
        about((packet) => packet.fill(reply, requestAt, requestAt + 1)),
        undefined,
      );
      assert.equal(
        about((packet) => packet.subarray(0, requestAt + 7)),
        undefined,
      );
      assert.equal(
        about((packet) => packet.subarray(0, 3)),
        undefined,
      );
      assert.equal(
        about(() => new Uint8Array()),
        undefined,
      );
      if (family === "ipv4")
        assert.equal(
          about((packet) => packet.fill(0x4f, 0, 1)),
          undefined,
        );
    });

    test("no octets whatever make it throw", () => {
      fc.assert(
        fc.property(
          fc.uint8Array({ maxLength: 100 }),
          fc.constantFrom(reply, unreachable),
          (octets, type) => {
            parseIcmp(family, octets);
            parseIcmp(family, Uint8Array.from([type, ...octets]));
          },
        ),
      );
    });
  });
}
