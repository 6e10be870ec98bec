/** Pings between two hosts, of both families: who answers, who does not, and what is only made to look like an answer. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Host } from "@karuntime/lab/host.ts";
import type { Lab } from "@karuntime/lab/lab.ts";
import { createLab } from "@karuntime/lab/lab.ts";

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
    await b.run(["sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"]);
    await b.run(["sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding"]);
  });
  after(() => lab.close());

  /** All at the same time, by one process in the network of host a. */
  async function ping(...lines: readonly string[]): Promise<readonly Said[]> {
    const argv = [`--net=/proc/${a.initPid}/ns/net`, process.execPath, CLIENT];
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

  test("a host that does not answer: no answer within its time, of whatever comes from others", async () => {
    await b.run(["sh", "-c", "echo 1 >/proc/sys/net/ipv4/icmp_echo_ignore_all"]);
    try {
      const said = await ping("10.0.0.2 200 56", "127.0.0.1 200 56", "2001:db8::2 2000 56");
      const errors = Object.fromEntries(said.map(({ asked, error }) => [asked, error]));
      assert.deepEqual(errors, {
        "10.0.0.2": "no answer within 200 ms",
        "127.0.0.1": undefined,
        "2001:db8::2": undefined,
      });
    } finally {
      await b.run(["sh", "-c", "echo 0 >/proc/sys/net/ipv4/icmp_echo_ignore_all"]);
    }
  });

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
});
