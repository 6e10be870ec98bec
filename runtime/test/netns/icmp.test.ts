/** Pings between two hosts, of both families: who answers, who does not, and what is only made to look like an answer. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Host } from "@karuntime/lab/host.ts";
import type { Lab } from "@karuntime/lab/lab.ts";
import { startKaruntime } from "@karuntime/lab/karuntime.ts";
import { createLab } from "@karuntime/lab/lab.ts";
import { waitFor } from "@karuntime/lab/time.ts";

const CLIENT = fileURLToPath(new URL("icmp-client.ts", import.meta.url));

interface Said {
  readonly asked: string;
  readonly address?: string;
  readonly ttl?: number;
  readonly timeMs?: number;
  readonly error?: string;
}

const skip = process.getuid?.() === 0 ? false : "needs root: it makes network namespaces";

describe("pings", { skip }, () => {
  let lab: Lab;
  let a: Host;
  let b: Host;

  before(async () => {
    lab = await createLab();
    a = await lab.host("a", { address: "10.0.0.1/24", ipv6: "2001:db8::1/64" });
    b = await lab.host("b", { address: "10.0.0.2/24", ipv6: "2001:db8::2/64" });
    await a.run(["sh", "-c", "echo 0 >/proc/sys/net/ipv6/conf/lo/disable_ipv6"]);
    await a.run(["ip", "route", "add", "10.9.0.0/24", "via", "10.0.0.2"]);
    await a.run(["ip", "route", "add", "2001:db8:9::/64", "via", "2001:db8::2"]);
    await b.run(["ip", "address", "add", "10.0.0.9/24", "dev", b.interface]);
    await b.run(["sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"]);
    await b.run(["sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding"]);
  });
  after(() => lab.close());

  /** All at the same time, by one process in the network of host a. */
  async function ping(...lines: readonly string[]): Promise<readonly Said[]> {
    const argv = [`--net=/proc/${a.initPid}/ns/net`, process.execPath, CLIENT, "ping"];
    const child = spawn("nsenter", argv, { stdio: ["pipe", "pipe", "inherit"] });
    child.stdin.write(`${lines.join("\n")}\n`);
    let ended = 0;
    child.stdout.on("data", (data: Buffer) => {
      ended += data.toString().split("\n").length - 1;
      if (ended === lines.length) child.stdin.end();
    });
    const said = (await text(child.stdout)).trim().split("\n");
    return said.map((line) => JSON.parse(line) as Said);
  }

  for (const address of ["127.0.0.1", "::1", "10.0.0.2", "2001:db8::2"]) {
    test(`${address} answers, with little data and with much`, async () => {
      const said = await ping(`${address} 2000 16`, `${address} 2000 1400`);
      assert.equal(said.length, 2);
      for (const { address: from, ttl, timeMs = -1, error } of said) {
        assert.equal(error, undefined);
        assert.equal(from, address);
        assert.equal(ttl, 64);
        assert.ok(timeMs > 0 && timeMs < 2000, String(timeMs));
      }
    });
  }

  test("many at a time, each with its own answer; more than 64 are refused", async () => {
    const addresses = Array.from({ length: 70 }, (_, index) =>
      index % 2 === 0 ? "10.0.0.2" : "2001:db8::2",
    );
    const said = await ping(...addresses.map((address) => `${address} 5000 56`));
    const refused = said.filter(({ error }) => error === "more than 64 pings at a time");
    assert.equal(refused.length, 6);
    const answered = said.filter(({ error }) => error === undefined);
    assert.equal(answered.length, 64);
    assert.ok(answered.every(({ asked, address }) => asked === address));
  });

  /** Does something while host b answers no pings over IPv4. */
  async function whileSilent(work: () => Promise<void>): Promise<void> {
    const ignore = (value: number) =>
      b.run(["sh", "-c", `echo ${value} >/proc/sys/net/ipv4/icmp_echo_ignore_all`]);
    await ignore(1);
    try {
      await work();
    } finally {
      await ignore(0);
    }
  }

  test("a host that does not answer: no answer within its time, of whatever comes from others", () =>
    whileSilent(async () => {
      const said = await ping("10.0.0.2 200 56", "127.0.0.1 200 56", "2001:db8::2 2000 56");
      const errors = Object.fromEntries(said.map(({ asked, error }) => [asked, error]));
      assert.deepEqual(errors, {
        "10.0.0.2": "no answer within 200 ms",
        "127.0.0.1": undefined,
        "2001:db8::2": undefined,
      });
    }));

  test("what only looks like an answer is none: another id, other data, another sender, forged errors", () =>
    whileSilent(async () => {
      const argv = [`--net=/proc/${b.initPid}/ns/net`, process.execPath, CLIENT, "forge"];
      const forger = spawn("nsenter", argv, { stdio: ["pipe", "pipe", "inherit"] });
      try {
        await once(forger.stdout, "data");
        const [forged] = await ping("10.0.0.2 300 56");
        assert.equal(forged?.error, "no answer within 300 ms");
        const [answered] = await ping("10.0.0.2 2000 100");
        assert.equal(answered?.address, "10.0.0.2", answered?.error);
        // Its answers come from its first address.
        const [other] = await ping("10.0.0.9 300 100");
        assert.equal(other?.error, "no answer within 300 ms");
      } finally {
        forger.stdin.end();
      }
    }));

  test("a router that knows no way says so; without any route the kernel does", async () => {
    const said = await ping(
      "10.9.0.1 5000 56",
      "2001:db8:9::1 5000 56",
      "192.0.2.1 5000 56",
      "2001:db8:8::1 5000 56",
      "nonsense 5000 56",
    );
    const errors = Object.fromEntries(said.map(({ asked, error }) => [asked, error]));
    assert.equal(errors["10.9.0.1"], "host unreachable, says 10.0.0.2");
    assert.equal(errors["2001:db8:9::1"], "host unreachable, says 2001:db8::2");
    assert.match(errors["192.0.2.1"] ?? "", /^host unreachable: .*unreachable/i);
    assert.match(errors["2001:db8:8::1"] ?? "", /^host unreachable: .*unreachable/i);
    assert.equal(errors["nonsense"], 'found "nonsense", expected an address');
  });

  test("a check has the daemon ping", async () => {
    a.write("/run/test/gateway.ts", PLUGIN);
    a.write("/run/test/karuntime.config.ts", CONFIGURATION);
    const karuntime = await startKaruntime(a, { configuration: "/run/test/karuntime.config.ts" });
    const said = await waitFor(
      "the check's log",
      () => karuntime.records.find(({ message }) => message.startsWith("pinged"))?.message,
      DEADLINE_MS,
    );
    assert.equal(
      said,
      "pinged 10.0.0.2 64, 2001:db8::2 64, ping: 10.9.0.1: host unreachable, says 10.0.0.2, not permitted: to ping 10.0.0.3",
    );
    await karuntime.stop();
  });
});

/** Reached only when something is broken. */
const DEADLINE_MS = 20_000;
const CONFIGURATION = `export default {
  checks: { gateway: { plugin: "./gateway.ts", interval: "2s" } },
  virtualRouters: {
    VI_1: { interface: "ens33", id: 51, addresses: ["10.0.0.100/24"], track: { checks: [{ check: "gateway" }] } },
  },
};`;
const PLUGIN = `import { defineCheck } from "@karuntime/sdk";
export default defineCheck({
  permissions: { ping: ["10.0.0.2", "2001:db8::2", "10.9.0.1"] },
  async check({ ping, log }) {
    const said = [];
    for (const host of ["10.0.0.2", "2001:db8::2", "10.9.0.1", "10.0.0.3"])
      await ping(host).then(
        ({ address, ttl }) => said.push(address + " " + ttl),
        (error) => said.push(error.message.split(", add it")[0]),
      );
    log.info("pinged " + said.join(", "));
  },
});
`;
