/** One node on a network of its own: what it does to the interface and the wire, and what is left when parts of it die. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, beforeEach, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Capture } from "@karuntime/lab/capture.ts";
import { startCapture } from "@karuntime/lab/capture.ts";
import type { Host } from "@karuntime/lab/host.ts";
import type { Karuntime } from "@karuntime/lab/karuntime.ts";
import { startKaruntime } from "@karuntime/lab/karuntime.ts";
import type { Lab } from "@karuntime/lab/lab.ts";
import { createLab } from "@karuntime/lab/lab.ts";
import { now, waitFor } from "@karuntime/lab/time.ts";

const OWN = "192.168.188.11";
const VIRTUAL = "192.168.188.100";
const CONFIGURATION = "/run/test/karuntime.config.ts";
const PROGRAM = fileURLToPath(new URL("../../bin/karuntime", import.meta.url));
const DIST = new URL("../../dist/", import.meta.url);
/** Reached only when something is broken. */
const DEADLINE_MS = 20_000;
const LEASE_MS = 4000;
/** The kernel looks for ended leases in steps of up to a second; and a busy machine. */
const LEASE_LATE_MS_MAX = 2500;

const skip = whyNot();

describe("a node", { skip }, () => {
  let lab: Lab;
  let wire: Capture;
  let host: Host;
  let counter = 0;

  before(async () => {
    lab = await createLab();
    wire = await startCapture(lab.switch);
  });
  after(() => lab.close());
  beforeEach(async () => {
    await host?.stop();
    host = await lab.host(`node${counter++}`, { address: `${OWN}/24` });
  });

  async function start(changes = "", checks = ""): Promise<Karuntime> {
    host.write(
      CONFIGURATION,
      `import { defineConfig } from "karuntime/config";
export default defineConfig({
  ${checks}
  virtualRouters: { VI_1: { interface: "ens33", id: 51, priority: 200, addresses: ["${VIRTUAL}/24"], ${changes} } },
});`,
    );
    return startKaruntime(host, { configuration: CONFIGURATION });
  }
  async function master(changes?: string): Promise<Karuntime> {
    const karuntime = await start(changes);
    await karuntime.entered("master", DEADLINE_MS);
    await gains();
    return karuntime;
  }
  const gains = () => waitFor("the address to be there", () => host.holds(VIRTUAL), DEADLINE_MS);
  const loses = (withinMs = DEADLINE_MS) =>
    waitFor("the address to be gone", async () => !(await host.holds(VIRTUAL)), withinMs);
  const logged = (karuntime: Karuntime, text: RegExp) =>
    waitFor(
      `the log to say ${text}`,
      () => karuntime.records.some((record) => text.test(record.message)),
      DEADLINE_MS,
    );
  const resignedSince = (sinceMs: number) =>
    waitFor(
      "priority 0 on the wire",
      () => wire.advertisements(sinceMs, OWN).some((seen) => seen.priority === 0),
      DEADLINE_MS,
    );

  test("announces itself as keepalived does: the header's fields, five gratuitous ARPs at once and five after 5 s", async () => {
    const sinceMs = now();
    await master();
    const announcements = () => wire.gratuitousArps(sinceMs, VIRTUAL);
    await waitFor("the second burst", () => announcements().length >= 10, DEADLINE_MS);
    const [first] = wire.advertisements(sinceMs, OWN);
    assert.ok(first !== undefined);
    assert.deepEqual(
      {
        ttl: first.ttl,
        tos: first.tos,
        flags: first.packet.readUInt16BE(6),
        destination: first.destination,
        mac: first.destinationMac,
      },
      { ttl: 255, tos: 0xc0, flags: 0, destination: "224.0.0.18", mac: "01:00:5e:00:00:12" },
    );
    const seen = announcements();
    assert.ok(seen[4] !== undefined && seen[5] !== undefined && seen[0] !== undefined);
    assert.ok(seen[0].atMs >= first.atMs, "the advertisement comes before the announcements");
    assert.ok(seen[4].atMs - seen[0].atMs < 1000, "the first five belong together");
    const pauseMs = seen[5].atMs - seen[0].atMs;
    assert.ok(pauseMs >= 4990 && pauseMs < 6500, `the second burst came after ${pauseMs} ms`);
    assert.ok(seen.every((entry) => entry.gratuitous && entry.operation === "request"));
  });

  test("SIGTERM: resigns, takes the address away, leaves no process, exits with status 0", async () => {
    const karuntime = await master();
    const sinceMs = now();
    const ending = await karuntime.stop();
    assert.deepEqual(ending, { code: 0, signal: null });
    assert.ok(!(await host.holds(VIRTUAL)));
    await resignedSince(sinceMs);
    assert.deepEqual(host.processes(), []);
    assert.deepEqual((await host.run(["ls", "/run/karuntime"])).trim(), "");
  });

  test("the daemon dies: the engine resigns at once and everything ends", async () => {
    const karuntime = await master();
    const sinceMs = now();
    await karuntime.signal("daemon", "SIGKILL");
    await resignedSince(sinceMs);
    await loses();
    await waitFor("every process to end", () => host.processes().length === 0, DEADLINE_MS);
  });

  test("the engine dies: its address is taken away by the next one, which takes part in the election again", async () => {
    const karuntime = await master();
    await karuntime.signal("engine", "SIGKILL");
    await logged(karuntime, /was left on ens33 by an earlier run and is removed/);
    await karuntime.entered("master", DEADLINE_MS);
    await gains();
    assert.equal((await karuntime.status()).engine.restarts, 1);
  });

  test("the engine freezes: the kernel ends the lease; when it goes on it listens before it claims anything", async () => {
    const karuntime = await master();
    await karuntime.signal("engine", "SIGSTOP");
    await loses(LEASE_MS + LEASE_LATE_MS_MAX);
    assert.equal((await karuntime.status()).engine.state === "running", false);
    const sinceMs = now();
    const { pid } = (await karuntime.status()).engine;
    const engine = host.processes().find((process) => process.hostPid === pid);
    assert.ok(engine !== undefined);
    process.kill(engine.pid, "SIGCONT");
    await logged(karuntime, /woke up \d+ ms late/);
    await waitFor(
      "an advertisement",
      () => wire.advertisements(sinceMs, OWN).length > 0,
      DEADLINE_MS,
    );
    const [next] = wire.advertisements(sinceMs, OWN);
    assert.ok(
      next !== undefined && next.atMs - sinceMs > 3000,
      "it advertised before it had listened",
    );
  });

  test("everything dies at once: the kernel ends the lease", async () => {
    await master();
    await host.killEverything();
    assert.ok(await host.holds(VIRTUAL), "the lease is longer than a moment");
    await loses(LEASE_MS + LEASE_LATE_MS_MAX);
  });

  test("without a lease everything dies and the address stays, until the next start removes it", async () => {
    await master("lease: false");
    assert.equal(
      (await host.addresses()).find((entry) => entry.address === VIRTUAL)?.validSeconds,
      undefined,
    );
    await host.killEverything();
    assert.ok(await host.holds(VIRTUAL));
    const sinceMs = now();
    const karuntime = await start("lease: false");
    await logged(karuntime, /was left on ens33 by an earlier run and is removed/);
    await karuntime.entered("backup", DEADLINE_MS);
    assert.deepEqual(wire.advertisements(sinceMs, OWN), []);
    assert.ok(!(await host.holds(VIRTUAL)));
  });

  test("an address that was there before is left alone, also by a crash and the start after it", async () => {
    await host.run(["ip", "address", "add", `${VIRTUAL}/24`, "dev", "ens33"]);
    const before = await host.addresses();
    const first = await start();
    await logged(first, /was there before karuntime and is left alone/);
    await first.entered("master", DEADLINE_MS);
    assert.deepEqual(await host.addresses(), before);
    assert.equal((await first.status()).virtualRouters[0]?.addresses[0]?.foreign, true);
    await host.killEverything();
    const second = await start();
    await second.entered("master", DEADLINE_MS);
    await second.stop();
    assert.deepEqual(await host.addresses(), before);
  });

  test("an address that somebody else removes is put back at once, announced and counted", async () => {
    const karuntime = await master();
    const sinceMs = now();
    await host.run(["ip", "address", "del", `${VIRTUAL}/24`, "dev", "ens33"]);
    await logged(karuntime, /was removed by somebody else/);
    await gains();
    await waitFor(
      "it to be announced again",
      () => wire.gratuitousArps(sinceMs, VIRTUAL).length >= 5,
      DEADLINE_MS,
    );
    const [router] = (await karuntime.status()).virtualRouters;
    assert.equal(router?.state, "master");
    assert.equal(router.counters.addressesRestored, 1);
    assert.equal(
      wire.advertisements(sinceMs, OWN).filter(({ priority }) => priority === 0).length,
      0,
    );
  });

  test("or the node resigns and is elected again, where the configuration wants that", async () => {
    const karuntime = await master('onAddressLost: "resign"');
    const sinceMs = now();
    await host.run(["ip", "address", "del", `${VIRTUAL}/24`, "dev", "ens33"]);
    await resignedSince(sinceMs);
    await logged(karuntime, /was removed by somebody else/);
    await karuntime.entered("master", DEADLINE_MS);
    await gains();
  });

  test("the interface goes down and comes back, and an interface that is missing appears", async () => {
    const karuntime = await master();
    await host.setLink("down");
    await karuntime.entered("fault", DEADLINE_MS);
    assert.deepEqual((await karuntime.status()).virtualRouters[0]?.faults, [
      { type: "interface-down" },
    ]);
    await host.setLink("up");
    await karuntime.entered("master", DEADLINE_MS);
    await gains();
    await host.run(["ip", "link", "set", "ens33", "down"]);
    await host.run(["ip", "link", "set", "ens33", "name", "elsewhere"]);
    await waitFor(
      "the interface to be missed",
      async () =>
        (await karuntime.status()).virtualRouters[0]?.faults[0]?.type === "interface-missing",
      DEADLINE_MS,
    );
    await host.run(["ip", "link", "set", "elsewhere", "name", "ens33"]);
    await host.setLink("up");
    await karuntime.entered("master", DEADLINE_MS);
    const sinceMs = now();
    await waitFor(
      "advertisements on it",
      () => wire.advertisements(sinceMs, OWN).length >= 2,
      DEADLINE_MS,
    );
  });

  test("packets that are none of ours are counted by reason and change nothing", async () => {
    const karuntime = await master();
    const good = "2133ff01000162bcc0a8bc640000000000000000";
    const packets: readonly (readonly [string, string, number])[] = [
      ["ttl not 255", good, 254],
      ["too short", "2133", 255],
      ["unsupported version", good.replace(/^21/, "41"), 255],
      ["bad checksum", good.replace("62bc", "62bd"), 255],
      ["length mismatch", good.slice(0, -2), 255],
      ["no address", good.replace("ff01", "ff00"), 255],
    ];
    const attacker = await lab.host("attacker", { address: "192.168.188.66/24" });
    for (const [, payload, ttl] of packets) await sendRaw(attacker, payload, ttl);
    const drops = async () => (await karuntime.status()).virtualRouters[0]?.drops ?? {};
    await waitFor(
      "all to be counted",
      async () =>
        Object.values(await drops()).reduce((sum, count) => sum + count, 0) >= packets.length,
      DEADLINE_MS,
    );
    assert.deepEqual(await drops(), Object.fromEntries(packets.map(([reason]) => [reason, 1])));
    assert.equal((await karuntime.status()).virtualRouters[0]?.state, "master");
    await attacker.stop();
  });

  test("a second daemon is refused, and the first does not notice", async () => {
    const karuntime = await master();
    const second = await host.exec([PROGRAM, "start", "-c", CONFIGURATION]);
    assert.equal(second.status, 1);
    assert.match(second.stderr, /already runs here \(process \d+/);
    assert.equal((await karuntime.status()).virtualRouters[0]?.state, "master");
  });

  test("a bad configuration: exit status 2, the reason, and nothing touched", async () => {
    host.write(
      CONFIGURATION,
      `export default { virtualRouters: { VI_1: { interface: "ens33", id: 0, addresses: ["${VIRTUAL}"] } } };`,
    );
    const before = await host.addresses();
    const result = await host.exec([PROGRAM, "start", "-c", CONFIGURATION]);
    assert.equal(result.status, 2);
    assert.match(result.stderr, /VI_1\.id: found 0, expected 1 or more/);
    assert.deepEqual(await host.addresses(), before);
    await waitFor("every process to end", () => host.processes().length === 0, DEADLINE_MS);
  });

  test("a check with weight 0 holds the node back until its first result, and status says why", async () => {
    host.write(
      "/run/test/slow.ts",
      `import { defineCheck } from "@karuntime/sdk";
export default defineCheck({ async check() { await new Promise<void>((resolve) => setTimeout(resolve, 2500)); } });`,
    );
    const karuntime = await start(
      'track: { checks: ["slow"] }',
      'checks: { slow: { plugin: "./slow.ts", interval: "10s" } },',
    );
    await karuntime.entered("fault", DEADLINE_MS);
    assert.match(
      await host.run([PROGRAM, "status"]),
      /VI_1 {2}FAULT[\s\S]*because waiting for the first result of slow/,
    );
    await karuntime.entered("master", DEADLINE_MS);
    assert.match(await host.run([PROGRAM, "status"]), /check slow {2}UP/);
  });
});

/** Sends a VRRP payload to the group with a TTL, through a packet socket on the sender's host. */
async function sendRaw(from: Host, payload: string, ttl: number): Promise<void> {
  const script = `
    import { openPacketSocket } from "${new URL("linux/packet-socket.js", DIST).href}";
    import { listLinks } from "${new URL("linux/link.js", DIST).href}";
    import { openNetlink } from "${new URL("linux/netlink.js", DIST).href}";
    const link = listLinks(openNetlink()).find(({ name }) => name === "ens33");
    const payload = Buffer.from("${payload}", "hex");
    const ip = Buffer.from("45c000000000000000700000c0a8bc42e0000012", "hex");
    ip.writeUInt16BE(20 + payload.length, 2);
    ip[8] = ${ttl};
    let sum = 0;
    for (let at = 0; at < 20; at += 2) sum += ip.readUInt16BE(at);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    ip.writeUInt16BE(~sum & 0xffff, 10);
    const ethernet = Buffer.concat([Buffer.from("01005e000012", "hex"), link.station, Buffer.from("0800", "hex")]);
    openPacketSocket().send(link.index, Buffer.concat([ethernet, ip, payload]));
    process.exit(0);`;
  await from.run([process.execPath, "--input-type=module", "-e", script]);
}

function whyNot(): string | false {
  if (process.getuid?.() !== 0) return "needs root: it makes network namespaces";
  return spawnSync("sh", ["-c", "command -v tcpdump"]).status === 0 ? false : "needs tcpdump";
}
