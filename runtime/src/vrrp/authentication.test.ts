/** AH and the HMAC trailer: what is believed, what is not, and that one packet can shut nobody out. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HIGHER, LOWER, advertisement, configure, digests } from "../../test/virtual-router.ts";
import type { IpAddress, Ipv4Address, Ipv6Address } from "../packet/address.ts";
import { createAuthenticationMemory } from "./authentication.ts";
import type { HmacAuthentication, VirtualRouterConfig } from "./config.ts";
import type { Arrival } from "./router-set.ts";
import { RouterSet } from "./router-set.ts";
import { packetsFor } from "./transmission.ts";

const password = [0x73, 0x65, 0x63, 0x72, 0x65, 0x74, 0, 0];
const key = Array.from({ length: 32 }, (_, index) => index);
const hmac: HmacAuthentication = {
  type: "HMAC",
  keys: [{ id: 1, octets: key }],
  activeKey: 1,
  antiReplay: "time",
  timeWindowSeconds: 5,
  mode: "enforce",
};
/** The same key under another id. */
const keyed = (id: number): HmacAuthentication => ({
  ...hmac,
  keys: [{ id, octets: key }],
  activeKey: id,
});
const NOW_MS = 1_800_000_000_000;

/** Somebody who sends as a virtual router of this configuration does, with a memory of its own. */
class Sender {
  readonly config: VirtualRouterConfig;
  readonly source: IpAddress;
  readonly memory = { authentication: createAuthenticationMemory(), identification: 0 };

  constructor(config: VirtualRouterConfig, source: IpAddress = HIGHER) {
    this.config = config;
    this.source = source;
  }

  send(unixMs = NOW_MS, priority = 200): Uint8Array {
    const sent = advertisement(this.config, priority);
    const [packet] = packetsFor(this.config, sent, this.source, this.memory, digests, unixMs);
    assert.ok(packet !== undefined);
    return packet.bytes;
  }
}

class Receiver {
  readonly set: RouterSet;
  constructor(config: VirtualRouterConfig) {
    this.set = new RouterSet([config], digests);
  }

  judge(bytes: Uint8Array, unixMs = NOW_MS): string {
    return this.judgeArrival({ family: "ipv4", bytes }, unixMs);
  }

  judgeArrival(arrival: Arrival, unixMs: number): string {
    const received = this.set.receive("eth0", arrival, { nowMs: 0, unixMs });
    return received.ok ? "accepted" : received.reason;
  }
}

function flipped(bytes: Uint8Array, fromEnd: number): Uint8Array {
  return Uint8Array.from(bytes, (octet, index) =>
    index === bytes.length - fromEnd ? octet ^ 1 : octet,
  );
}

describe("AH", () => {
  const config = configure({ authentication: { type: "AH", password } });

  test("is believed once, in its order, and only with the key", () => {
    const receiver = new Receiver(config);
    const sender = new Sender(config);
    const [first, second] = [sender.send(), sender.send()];
    assert.equal(receiver.judge(first), "accepted");
    assert.equal(receiver.judge(first), "authentication header replayed");
    assert.equal(receiver.judge(second), "accepted");
    assert.equal(receiver.judge(first), "authentication header replayed");
    // The last octet is one of the eight that version 2 keeps for a password.
    assert.equal(receiver.judge(flipped(sender.send(), 1)), "bad checksum");
    const other = configure({ authentication: { type: "AH", password: [...password].fill(1) } });
    assert.equal(receiver.judge(new Sender(other).send()), "authentication header wrong");
  });

  test("covers the IP header but for what routers change", () => {
    const receiver = new Receiver(config);
    const packet = new Sender(config).send();
    const changed = (index: number): Uint8Array =>
      Uint8Array.from(packet, (octet, at) => (at === index ? octet ^ 4 : octet));
    // Identification, source; then the class of service, which may change.
    assert.equal(receiver.judge(changed(5)), "authentication header wrong");
    assert.equal(receiver.judge(changed(15)), "authentication header wrong");
    assert.equal(receiver.judge(changed(1)), "accepted");
  });

  test("without the header nothing is believed, and a plain router believes none with it", () => {
    const plain = configure();
    const missing = "authentication header missing";
    assert.equal(new Receiver(config).judge(new Sender(plain).send()), missing);
    const mismatch = "authentication type mismatch";
    assert.equal(new Receiver(plain).judge(new Sender(config).send()), mismatch);
  });

  test("one packet with a number far ahead does not lock out the others", () => {
    const receiver = new Receiver(config);
    const honest = new Sender(config);
    assert.equal(receiver.judge(honest.send()), "accepted");
    const hostile = new Sender(config, LOWER);
    hostile.memory.authentication.ahSent = 0x7fff_fff0;
    assert.equal(receiver.judge(hostile.send()), "authentication header too far ahead");
    for (let count = 0; count < 3; count++) assert.equal(receiver.judge(honest.send()), "accepted");
  });

  test("a sender that was away for long is believed when it goes on", () => {
    const receiver = new Receiver(config);
    assert.equal(receiver.judge(new Sender(config, LOWER).send()), "accepted");
    const away = new Sender(config);
    away.memory.authentication.ahSent = 10_000_000;
    const judged = [away.send(), away.send(), away.send(), away.send()].map((packet) =>
      receiver.judge(packet),
    );
    const far = "authentication header too far ahead";
    assert.deepEqual(judged, [far, far, "accepted", "accepted"]);
  });

  test("who becomes master goes on where the last one stopped", () => {
    const receiver = new Receiver(config);
    const sender = new Sender(config);
    sender.memory.authentication.ahSent = 700;
    assert.equal(receiver.judge(sender.send()), "accepted");
    const [member] = receiver.set.members.values();
    assert.ok(member !== undefined);
    const [packet] = packetsFor(
      config,
      advertisement(config, 100),
      LOWER,
      member.memory,
      digests,
      0,
    );
    assert.equal(new DataView((packet?.bytes ?? new Uint8Array(0)).buffer).getUint32(28), 702);
  });

  test("what is no authentication header is dropped", () => {
    const receiver = new Receiver(config);
    const packet = new Sender(config).send();
    const malformed = "authentication header malformed";
    assert.equal(
      receiver.judge(Uint8Array.from(packet, (o, at) => (at === 21 ? 9 : o))),
      malformed,
    );
    assert.equal(
      receiver.judge(Uint8Array.from(packet, (o, at) => (at === 20 ? 6 : o))),
      malformed,
    );
  });
});

describe("HMAC", () => {
  const config = configure({ version: 3, authentication: hmac });
  const sender = new Sender(config);

  test("is believed once, while it is fresh, with the key", () => {
    const receiver = new Receiver(config);
    const packet = sender.send();
    assert.equal(receiver.judge(packet), "accepted");
    assert.equal(receiver.judge(packet), "hmac replayed");
    assert.equal(receiver.judge(sender.send(), NOW_MS + 5000), "accepted");
    assert.equal(receiver.judge(sender.send(), NOW_MS + 6000), "hmac stale");
    assert.equal(receiver.judge(sender.send(), NOW_MS - 6000), "hmac stale");
    assert.equal(receiver.judge(flipped(sender.send(), 1)), "hmac wrong");
    const unknown = new Sender(configure({ version: 3, authentication: keyed(9) }));
    assert.equal(receiver.judge(unknown.send()), "hmac key unknown");
    assert.equal(receiver.judge(flipped(sender.send(), 27)), "hmac malformed", "key 0");
    assert.equal(receiver.judge(flipped(sender.send(), 28)), "hmac malformed");
    assert.equal(receiver.judge(flipped(sender.send(), 25)), "hmac malformed");
    const plain = configure({ version: 3 });
    assert.equal(receiver.judge(new Sender(plain).send()), "hmac missing");
    assert.equal(new Receiver(plain).judge(sender.send()), "hmac unexpected");
  });

  test("covers the advertisement and its sender", () => {
    const packet = sender.send();
    // The priority, with the checksum made right again: a sum is no signature.
    const forged = Uint8Array.from(packet);
    forged[22] = (forged[22] ?? 0) + 1;
    const low = (((forged[26] ?? 0) << 8) | (forged[27] ?? 0)) - 0x100;
    forged[26] = (low >> 8) & 0xff;
    forged[27] = low & 0xff;
    assert.equal(new Receiver(config).judge(forged), "hmac wrong");
    // Another source, and a checksum that allows for it.
    const message = configure({ version: 3, authentication: hmac, checksumStyle: "message" });
    const other = new Sender(message).send();
    other[15] = 77;
    assert.equal(new Receiver(message).judge(other), "hmac wrong");
  });

  test("keys are rotated without a gap: new ones are accepted before they are used", () => {
    const second = { id: 2, octets: key.toReversed() };
    const rotated = { ...hmac, keys: [...hmac.keys, second], activeKey: 2 };
    const receiver = new Receiver(configure({ version: 3, authentication: rotated }));
    assert.equal(receiver.judge(sender.send()), "accepted");
    const ahead = new Sender(configure({ version: 3, authentication: rotated }), LOWER);
    assert.equal(receiver.judge(ahead.send()), "accepted");
    assert.equal(new Receiver(config).judge(ahead.send()), "hmac key unknown");
  });

  test("modes: permissive takes what is unsigned, receive-only signs nothing, neither takes a wrong one", () => {
    for (const mode of ["permissive", "receive-only"] as const) {
      const changed = configure({ version: 3, authentication: { ...hmac, mode } });
      const receiver = new Receiver(changed);
      assert.equal(receiver.judge(new Sender(configure({ version: 3 })).send()), "accepted");
      assert.equal(receiver.judge(sender.send()), "accepted");
      assert.equal(receiver.judge(flipped(sender.send(), 1)), "hmac wrong");
      const signed =
        new Sender(changed).send().length - new Sender(configure({ version: 3 })).send().length;
      assert.equal(signed, mode === "permissive" ? 28 : 0);
    }
  });

  test("monotonic: clocks may differ, numbers may not go back", () => {
    const monotonic = { ...hmac, antiReplay: "monotonic" } as const;
    const receiver = new Receiver(configure({ version: 3, authentication: monotonic }));
    const away = new Sender(configure({ version: 3, authentication: monotonic }));
    const early = away.send(NOW_MS - 1_000_000);
    assert.equal(receiver.judge(early), "accepted");
    // The sender's clock was set back: its numbers go on all the same.
    assert.equal(receiver.judge(away.send(NOW_MS - 2_000_000)), "accepted");
    assert.equal(receiver.judge(early), "hmac replayed");
  });

  test("time: a sender whose clock ran ahead and was set right starts again from the clock", () => {
    const away = new Sender(config);
    const receiver = new Receiver(config);
    away.send(NOW_MS + 60_000);
    assert.equal(receiver.judge(away.send(NOW_MS)), "accepted");
  });

  test("every sender has its own numbers; of senders to a group the last four are remembered", () => {
    const receiver = new Receiver(config);
    const senders = [1, 2, 3, 4, 5].map(
      (last) => new Sender(config, `10.0.0.${last}` as Ipv4Address),
    );
    const packets = senders.map((each) => each.send());
    for (const packet of packets) assert.equal(receiver.judge(packet), "accepted");
    const [, second] = packets;
    assert.equal(receiver.judge(second ?? new Uint8Array(0)), "hmac replayed");
  });

  test("the same octets are sent as keepalived 2.4.3 sends at the same instant", () => {
    const addresses = [{ address: "192.0.2.100" as Ipv4Address, prefixLength: 32 }];
    for (const [version, sequence, expected] of [
      [
        2,
        0x6b00_a0d6_e6a5_0000n,
        "45c0004400010000ff70b038c633640ae00000122133c80100015465c00002640000000000000000010100006b00a0d6e6a50000ddeb7a161215b5ccfc2d11eef0842e3a",
      ],
      [
        3,
        0x6b00_a0de_ea8a_0000n,
        "45c0003c00010000ff70b040c633640ae00000123133c80100643935c0000264010100006b00a0deea8a0000f097e187b67a969f9808a74d1e195f94",
      ],
    ] as const) {
      const signer = new Sender(
        configure({ version, addresses, authentication: { ...hmac, antiReplay: "monotonic" } }),
        "198.51.100.10" as Ipv4Address,
      );
      signer.memory.authentication.hmacSent = sequence - 1n;
      assert.equal(Buffer.from(signer.send(0)).toString("hex"), expected);
    }
  });

  test("what keepalived 2.4.3 signed is believed", () => {
    const unixMs = 0x6b00a0d6 * 1000;
    const captures: readonly (readonly [VirtualRouterConfig, Arrival])[] = [
      [
        configure({ authentication: hmac }),
        {
          family: "ipv4",
          bytes: octets(
            "45c0004400010000ff70b038c633640ae00000122133c80100015465c00002640000000000000000010100006b00a0d6e6a50000ddeb7a161215b5ccfc2d11eef0842e3a",
          ),
        },
      ],
      [
        config,
        {
          family: "ipv4",
          bytes: octets(
            "45c0003c00010000ff70b040c633640ae00000123133c80100643935c0000264010100006b00a0deea8a0000f097e187b67a969f9808a74d1e195f94",
          ),
        },
      ],
      [
        configure({
          version: 3,
          family: "ipv6",
          authentication: hmac,
          transport: { type: "multicast", group: "ff02::12" as Ipv6Address, ttl: 255 },
        }),
        {
          family: "ipv6",
          source: "fe80::ff:fe00:10" as Ipv6Address,
          destination: "ff02::12" as Ipv6Address,
          hopLimit: 255,
          protocol: 112,
          header: undefined,
          payload: octets(
            "3133c8020064d6defe80000000000000000000000000010020010db8000000000000000000000100010100006b00a5215d620000c3eadec3c5737d551afa984b87c674e9",
          ),
        },
      ],
    ];
    for (const [each, arrival] of captures) {
      const wide = { ...hmac, timeWindowSeconds: 300 };
      const patient = { ...each, authentication: { ...wide, antiReplay: "monotonic" as const } };
      assert.equal(new Receiver(patient).judgeArrival(arrival, unixMs), "accepted");
    }
  });
});

function octets(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, "hex"));
}
