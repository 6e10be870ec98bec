import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  HIGHER,
  LOWER,
  advertisement,
  configure,
  digests,
  packetFrom,
} from "../../test/virtual-router.ts";
import type { IpAddress, Ipv4Address, Ipv6Address } from "../packet/address.ts";
import type { IpPacket } from "../packet/ip.ts";
import type { Advertisement, ReceivedAdvertisement } from "../packet/vrrp.ts";
import { encodeAdvertisement } from "../packet/vrrp.ts";
import { admit } from "./admission.ts";
import { createAuthenticationMemory } from "./authentication.ts";
import type { VirtualRouterConfig } from "./config.ts";

const PASSWORD = [1, 2, 3, 4, 5, 6, 7, 8];
const OTHER = "10.0.0.101" as Ipv4Address;

function judge(
  config: VirtualRouterConfig,
  sent: Advertisement,
  changes: Partial<IpPacket> = {},
): ReturnType<typeof admit> {
  const context = { config, memory: createAuthenticationMemory(), digests, unixMs: 0 };
  const arrival = packetFrom(
    config,
    config.family === "ipv4" ? HIGHER : ("fe80::6" as Ipv6Address),
    100,
  );
  const header = arrival.family === "ipv4" ? arrival.bytes.subarray(0, 20) : undefined;
  const message = encodeAdvertisement(sent);
  const packet: IpPacket = {
    family: "ipv4",
    source: HIGHER,
    destination: "224.0.0.18" as Ipv4Address,
    hopLimit: 255,
    protocol: 112,
    header,
    payload: message,
    ...changes,
  };
  const received: ReceivedAdvertisement = {
    advertisement: sent,
    checksumStyle: undefined,
    message,
    trailer: undefined,
  };
  return admit(context, packet, received);
}

function reasonFor(...parameters: Parameters<typeof judge>): string {
  const admission = judge(...parameters);
  return admission.ok ? "accepted" : admission.reason;
}

describe("admission", () => {
  const config = configure({ authentication: { type: "PASS", password: PASSWORD } });
  const good = advertisement(config, 100);
  const with2 = (changes: object): Advertisement => ({ ...good, ...changes }) as Advertisement;

  test("accepts what matches, whatever its priority and whoever sent it", () => {
    assert.equal(reasonFor(config, good), "accepted");
    assert.equal(reasonFor(config, with2({ priority: 0 })), "accepted");
    assert.equal(reasonFor(config, with2({ priority: 255 }), { source: LOWER }), "accepted");
  });

  test("names the reason for each drop", () => {
    const open = { type: "none" };
    for (const [reason, sent, changes] of [
      ["version mismatch", advertisement(configure({ version: 3 }), 100), {}],
      ["authentication type mismatch", with2({ authentication: open }), {}],
      ["advertisement interval mismatch", with2({ advertIntervalMs: 2000 }), {}],
      ["ttl not 255", good, { hopLimit: 254 }],
      ["not sent to the group", good, { destination: "10.0.0.5" as Ipv4Address }],
      ["not sent to the group", good, { destination: "224.0.0.19" as Ipv4Address }],
      ["authentication type mismatch", good, { protocol: 51 }],
    ] as const)
      assert.equal(reasonFor(config, sent, changes), reason);
  });

  test("a password counts in all its eight octets and its length", () => {
    for (const index of PASSWORD.keys()) {
      const password = PASSWORD.map((octet, at) => (at === index ? octet ^ 0x80 : octet));
      const sent = with2({ authentication: { type: "PASS", password } });
      assert.equal(reasonFor(config, sent), "password mismatch", `octet ${index}`);
    }
    for (const password of [[], PASSWORD.slice(0, 7)]) {
      const sent = with2({ authentication: { type: "PASS", password } });
      assert.equal(reasonFor(config, sent), "password mismatch");
    }
  });

  test("a virtual router without authentication does not accept a password", () =>
    assert.equal(reasonFor(configure(), good), "authentication type mismatch"));

  test("an owner that ignores advertisements drops them, and nobody else does", () => {
    const ignores = { ownerIgnoresAdvertisements: true };
    const owner = configure({ ...ignores, priority: 255 });
    assert.equal(reasonFor(owner, advertisement(owner, 100)), "owner ignores advertisements");
    const other = configure(ignores);
    assert.equal(reasonFor(other, advertisement(other, 100)), "accepted");
  });

  test("unicast: from peers within their bounds; strangers only where they are allowed", () => {
    const peers = [{ address: HIGHER, minimumTtl: 250, maximumTtl: 254 }];
    const unicast = (onlyPeers: boolean) =>
      configure({ transport: { type: "unicast", peers, ttl: 255, onlyPeers } });
    const closed = unicast(true);
    const sent = advertisement(closed, 100);
    const path = { destination: "10.0.0.5" as IpAddress, hopLimit: 252 };
    assert.equal(reasonFor(closed, sent, path), "accepted");
    for (const hopLimit of [249, 255])
      assert.equal(
        reasonFor(closed, sent, { ...path, hopLimit }),
        "ttl out of the peer's range",
        `${hopLimit}`,
      );
    assert.equal(reasonFor(closed, sent, { ...path, source: LOWER }), "not from a peer");
    assert.equal(reasonFor(unicast(false), sent, { ...path, source: LOWER }), "accepted");
    assert.equal(reasonFor(closed, sent, {}), "not sent to the group");
  });

  test("version 3 takes another interval, and says so", () => {
    const v3 = configure({ version: 3 });
    const sent = advertisement(v3, 100, { advertIntervalMs: 500 });
    const expected = { ok: true, addressesDiffer: false, intervalDiffers: true };
    assert.deepEqual(judge(v3, sent), expected);
  });

  test("another list of addresses is accepted and noted; another order is the same list", () => {
    const first = "10.0.0.100" as Ipv4Address;
    const addresses = [first, OTHER].map((address) => ({ address, prefixLength: 24 }));
    const two = configure({ addresses });
    const differs = (list: readonly IpAddress[], changes = {}) => {
      const sent = { ...advertisement(two, 100), addresses: list } as Advertisement;
      const admission = judge({ ...two, ...changes }, sent);
      return admission.ok ? admission.addressesDiffer : admission.reason;
    };
    assert.equal(differs([first, OTHER]), false);
    assert.equal(differs([OTHER, first]), false);
    assert.equal(differs([first]), true);
    assert.equal(differs([first, HIGHER]), true);
    assert.equal(differs([first, OTHER, HIGHER]), true);
    const drop = { onAddressMismatch: "drop" } as const;
    assert.equal(differs([first], drop), "address list mismatch");
    assert.equal(differs([OTHER, first], drop), false);
  });

  test("IPv6 goes by the same rules", () => {
    const addresses = [{ address: "fe80::33" as Ipv6Address, prefixLength: 64 }];
    const transport = { type: "multicast", group: "ff02::12" as Ipv6Address, ttl: 255 } as const;
    const v6 = configure({ family: "ipv6", version: 3, addresses, transport });
    const sent = advertisement(v6, 100);
    const path = { family: "ipv6", destination: "ff02::12" as Ipv6Address } as const;
    assert.equal(reasonFor(v6, sent, path), "accepted");
    assert.equal(reasonFor(v6, sent, { ...path, hopLimit: 64 }), "ttl not 255");
  });
});
