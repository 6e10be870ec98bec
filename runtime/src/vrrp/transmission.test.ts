/** Octet for octet what keepalived sends for the same configuration, and what keepalived sends is understood. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { advertisement, configure, digests } from "../../test/virtual-router.ts";
import type { Ipv4Address, Ipv6Address } from "../packet/address.ts";
import { createAuthenticationMemory } from "./authentication.ts";
import type { VirtualRouterConfig } from "./config.ts";
import { RouterSet } from "./router-set.ts";
import { packetsFor } from "./transmission.ts";

const ETHERNET_OCTETS = 14;
const IPV6_HEADER_OCTETS = 40;
const frames = new Map(
  readFileSync(new URL("../../test/packet/keepalived-2.2.7.hex", import.meta.url), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line): [string, Uint8Array] => {
      const [name = "", hex = ""] = line.split(" ");
      return [name, Uint8Array.from(Buffer.from(hex, "hex"))];
    }),
);

const password = [0x31, 0x31, 0x31, 0x31, 0, 0, 0, 0];
const base = { id: 51, priority: 254 };
const ipv4 = {
  ...base,
  addresses: [{ address: "10.9.9.100" as Ipv4Address, prefixLength: 24 }],
};
const peers = [{ address: "10.9.9.2" as Ipv4Address, minimumTtl: 0, maximumTtl: 255 }];

const cases: Readonly<Record<string, VirtualRouterConfig>> = {
  v2none: configure(ipv4),
  v2pass: configure({ ...ipv4, authentication: { type: "PASS", password } }),
  v2ah: configure({ ...ipv4, authentication: { type: "AH", password } }),
  v3: configure({ ...ipv4, version: 3, advertIntervalMs: 500 }),
  v3unicast: configure({
    ...ipv4,
    version: 3,
    advertIntervalMs: 500,
    transport: { type: "unicast", peers, ttl: 255, onlyPeers: false },
  }),
  v6: configure({
    ...base,
    family: "ipv6",
    version: 3,
    transport: { type: "multicast", group: "ff02::12" as Ipv6Address, ttl: 255 },
    addresses: [
      { address: "fe80::51" as Ipv6Address, prefixLength: 128 },
      { address: "2001:db8:9::100" as Ipv6Address, prefixLength: 64 },
    ],
  }),
};

/** The IP packets of a case, oldest first: the last one is a resignation. IPv6 without the kernel's flow label. */
function captured(name: string): Uint8Array[] {
  return [...frames]
    .filter(([frame]) => frame.startsWith(`${name}-advertisement`))
    .map(([, frame]) => {
      const packet = frame.slice(ETHERNET_OCTETS);
      if ((packet[0] ?? 0) >>> 4 !== 6) return packet;
      packet[1] = (packet[1] ?? 0) & 0xf0;
      packet.fill(0, 2, 4);
      return packet;
    });
}

for (const [name, config] of Object.entries(cases)) {
  describe(`keepalived's frames: ${name}`, () => {
    const source =
      config.family === "ipv4" ? ("10.9.9.1" as Ipv4Address) : ("fe80::ff:fe00:901" as Ipv6Address);
    const packets = captured(name);

    test("the same octets are sent for the same configuration, from the first packet on", () => {
      assert.ok(packets.length >= 2);
      const memory = { authentication: createAuthenticationMemory(), identification: 0 };
      for (const packet of packets) {
        // What lies between two packets of the capture was sent, too.
        const number = config.family === "ipv4" ? ((packet[4] ?? 0) << 8) | (packet[5] ?? 0) : 0;
        memory.identification = Math.max(0, number - 1);
        memory.authentication.ahSent = Math.max(0, number - 1);
        const priority = packet === packets.at(-1) ? 0 : 254;
        const sent = advertisement(config, priority);
        const [made] = packetsFor(config, sent, source, memory, digests, 0);
        assert.equal(
          Buffer.from(made?.bytes ?? []).toString("hex"),
          Buffer.from(packet).toString("hex"),
        );
      }
    });

    test("they are believed by a backup, in their order", () => {
      const unicast = { type: "unicast", peers: [], ttl: 255, onlyPeers: false } as const;
      const transport = config.transport.type === "unicast" ? unicast : config.transport;
      const set = new RouterSet([{ ...config, transport, priority: 100 }], digests);
      for (const bytes of packets) {
        const arrival =
          config.family === "ipv4"
            ? ({ family: "ipv4", bytes } as const)
            : ({
                family: "ipv6",
                source,
                destination: "ff02::12" as Ipv6Address,
                hopLimit: bytes[7] ?? 0,
                protocol: bytes[6] ?? 0,
                header: undefined,
                payload: bytes.subarray(IPV6_HEADER_OCTETS),
              } as const);
        const received = set.receive("eth0", arrival, { nowMs: 0, unixMs: 0 });
        assert.ok(received.ok, JSON.stringify(received.ok ? "" : received.reason));
      }
    });
  });
}
