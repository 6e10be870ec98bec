/**
 * Real keepalived as the peer, both ways round: who is master, who takes over and when, and what goes over the wire.
 * Times are taken from the wire, by the kernel's stamps, and judged by RFC 3768's timers.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import type { Capture } from "@karuntime/lab/capture.ts";
import { startCapture } from "@karuntime/lab/capture.ts";
import type { AdvertisementPacket } from "@karuntime/lab/frame.ts";
import type { Host } from "@karuntime/lab/host.ts";
import type { Karuntime } from "@karuntime/lab/karuntime.ts";
import { startKaruntime } from "@karuntime/lab/karuntime.ts";
import { startKeepalived } from "@karuntime/lab/keepalived.ts";
import { createLab } from "@karuntime/lab/lab.ts";
import { now, waitFor } from "@karuntime/lab/time.ts";

const VIRTUAL_ADDRESS = "192.168.188.100";
const ADVERT_INTERVAL_MS = 1000;
const PASSWORD = "aminglin";
/** Reached only when something is broken. */
const DEADLINE_MS = 20_000;
/** A timer may fire this much late on a busy machine, and never early but for the rounding of the stamps. */
const LATE_MS_MAX = 1000;
const EARLY_MS_MAX = 5;

const skip = whyNot();

/** One of the two programs on a host of its own; the same verbs for both. */
interface Member {
  readonly host: Host;
  readonly address: string;
  start(options: MemberOptions): Promise<void>;
  /** SIGTERM. */
  stop(): Promise<void>;
  /** SIGKILL to all of it. */
  kill(): Promise<void>;
}

interface MemberOptions {
  readonly priority: number;
  readonly password?: string;
}

interface Network {
  readonly keepalived: Member & { log(): string };
  readonly karuntime: Member & { status: Karuntime["status"] };
  readonly wire: Capture;
}

for (const [master, backup] of [
  ["keepalived", "karuntime"],
  ["karuntime", "keepalived"],
] as const) {
  describe(`${master} is master, ${backup} is backup`, { skip }, () => {
    test("the backup takes over when the master is killed, and gives back when it returns", () =>
      withNetwork(async (network) => {
        const { wire } = network;
        const { [master]: high, [backup]: low } = network;
        await start(network, high, low);

        await high.kill();
        await advertises(wire, low, now());
        const lastMs = lastBefore(wire, high, now());
        const firstMs = wire.advertisements(lastMs, low.address)[0]?.atMs ?? 0;
        assertTimer("master-down", firstMs - lastMs, 3 * ADVERT_INTERVAL_MS + skewMs(100));
        assert.ok(await low.host.holds(VIRTUAL_ADDRESS));

        await high.start({ priority: 200 });
        await advertises(wire, high, now());
        await onlyOneHolds(high, low);
      }));

    test("the backup takes over after the skew time when the master is stopped", () =>
      withNetwork(async (network) => {
        const { wire } = network;
        const { [master]: high, [backup]: low } = network;
        await start(network, high, low);

        const stoppedMs = now();
        await high.stop();
        await advertises(wire, low, stoppedMs);
        const resignation = wire
          .advertisements(stoppedMs, high.address)
          .find((advertisement) => advertisement.priority === 0);
        assert.ok(resignation !== undefined, "no advertisement with priority 0 was seen");
        const firstMs = wire.advertisements(stoppedMs, low.address)[0]?.atMs ?? 0;
        assertTimer("skew", firstMs - resignation.atMs, skewMs(100));
        await onlyOneHolds(low, high);
      }));
  });
}

describe("passwords", { skip }, () => {
  test("with different ones each drops the other's advertisements, and says so", () =>
    withNetwork(async ({ keepalived, karuntime, wire }) => {
      await keepalived.start({ priority: 200, password: "otherpwd" });
      await karuntime.start({ priority: 100 });
      await advertises(wire, keepalived, 0);
      await advertises(wire, karuntime, 0);
      // Two masters, as two keepaliveds with different passwords are, and they stay. Whether keepalived goes on
      // advertising is no measure: 2.2.7 starts its timer anew with each advertisement that it drops.
      await waitFor(
        "keepalived to drop three advertisements",
        () => (keepalived.log().match(/received an invalid passwd/g) ?? []).length >= 3,
        DEADLINE_MS,
      );
      assert.equal(
        keepalived
          .log()
          .match(/Entering \w+ STATE/g)
          ?.at(-1),
        "Entering MASTER STATE",
      );
      assert.ok(await keepalived.host.holds(VIRTUAL_ADDRESS));
      assert.ok(await karuntime.host.holds(VIRTUAL_ADDRESS));

      const [router] = (await karuntime.status()).virtualRouters;
      assert.equal(router?.state, "master");
      const heard = wire.advertisements(undefined, keepalived.address).length;
      assert.deepEqual(router.drops, { "password mismatch": heard });
      assert.equal(router.counters.advertisementsReceived, 0);
    }));
});

describe("the wire", { skip }, () => {
  test("both send the same octets, but for what names the sender and counts packets", () =>
    withNetwork(async ({ keepalived, karuntime, wire }) => {
      const sent = new Map<string, readonly string[]>();
      for (const [name, member] of Object.entries({ keepalived, karuntime })) {
        const sinceMs = now();
        await member.start({ priority: 100 });
        await waitFor(
          `${name} to advertise three times`,
          () => wire.advertisements(sinceMs, member.address).length >= 3,
          DEADLINE_MS,
        );
        await member.stop();
        const advertisements = wire.advertisements(sinceMs, member.address);
        const announcements = wire.gratuitousArps(sinceMs, VIRTUAL_ADDRESS);
        sent.set(name, [
          // Each kind once: how many there are depends on when it was stopped.
          ...new Set(advertisements.map(withoutSender)),
          ...announcements
            .slice(0, 5)
            .map(({ frame, sourceMac }) =>
              frame.toString("hex").replaceAll(sourceMac.replaceAll(":", ""), "<sender>"),
            ),
        ]);
      }
      assert.deepEqual(sent.get("karuntime"), sent.get("keepalived"));
      // An advertisement, the resignation, five announcements.
      assert.equal(sent.get("keepalived")?.length, 7, sent.get("keepalived")?.join("\n"));
    }));
});

async function withNetwork(body: (network: Network) => Promise<void>): Promise<void> {
  const lab = await createLab();
  try {
    const [one, two] = [
      await lab.host("keepalived", { address: "192.168.188.11/24" }),
      await lab.host("karuntime", { address: "192.168.188.12/24" }),
    ];
    await body({
      keepalived: keepalivedOn(one, "192.168.188.11"),
      karuntime: karuntimeOn(two, "192.168.188.12"),
      wire: await startCapture(lab.switch),
    });
  } finally {
    await lab.close();
  }
}

function keepalivedOn(host: Host, address: string): Network["keepalived"] {
  let running: Awaited<ReturnType<typeof startKeepalived>> | undefined;
  return {
    host,
    address,
    async start({ priority, password = PASSWORD }) {
      running = await startKeepalived(host, {
        id: 51,
        priority,
        password,
        addresses: [VIRTUAL_ADDRESS],
      });
    },
    async stop() {
      await running?.stop();
    },
    kill: () => host.killEverything(),
    log: () => running?.process.output ?? "",
  };
}

function karuntimeOn(host: Host, address: string): Network["karuntime"] {
  const configuration = "/run/interop/karuntime.config.ts";
  let running: Karuntime | undefined;
  return {
    host,
    address,
    async start({ priority, password = PASSWORD }) {
      host.write(
        configuration,
        `import { defineConfig } from "karuntime/config";
export default defineConfig({
  virtualRouters: {
    VI_1: {
      interface: ${JSON.stringify(host.interface)},
      id: 51,
      priority: ${priority},
      authentication: { type: "PASS", password: ${JSON.stringify(password)} },
      addresses: [${JSON.stringify(VIRTUAL_ADDRESS)}],
    },
  },
});
`,
      );
      running = await startKaruntime(host, { configuration });
    },
    async stop() {
      const ending = await running?.stop();
      assert.equal(ending?.code, 0, running?.process.output);
    },
    kill: () => host.killEverything(),
    status() {
      if (running === undefined) throw new Error("karuntime was not started");
      return running.status();
    },
  };
}

/** Both run, and the higher priority is master. */
async function start({ wire }: Network, high: Member, low: Member): Promise<void> {
  await low.start({ priority: 100 });
  await high.start({ priority: 200 });
  await advertises(wire, high, now());
  await onlyOneHolds(high, low);
}

async function advertises(wire: Capture, member: Member, sinceMs: number): Promise<void> {
  await waitFor(
    `${member.host.name} to advertise`,
    () =>
      wire
        .advertisements(sinceMs, member.address)
        .some((advertisement) => advertisement.priority > 0),
    DEADLINE_MS,
  );
}

async function onlyOneHolds(holder: Member, other: Member): Promise<void> {
  await waitFor(
    `only ${holder.host.name} to have the address`,
    async () =>
      (await holder.host.holds(VIRTUAL_ADDRESS)) && !(await other.host.holds(VIRTUAL_ADDRESS)),
    DEADLINE_MS,
  );
}

function lastBefore(wire: Capture, member: Member, beforeMs: number): number {
  const last = wire
    .advertisements(undefined, member.address)
    .findLast((advertisement) => advertisement.atMs < beforeMs);
  assert.ok(last !== undefined, `${member.host.name} never advertised`);
  return last.atMs;
}

function skewMs(priority: number): number {
  return ((256 - priority) / 256) * 1000;
}

function assertTimer(name: string, ms: number, expectedMs: number): void {
  const told = `the ${name} timer is ${expectedMs.toFixed(1)} ms, acted after ${ms.toFixed(1)} ms`;
  assert.ok(ms >= expectedMs - EARLY_MS_MAX && ms <= expectedMs + LATE_MS_MAX, told);
}

/** The frame in hex without source MAC, IP identification, IP checksum and source address. */
function withoutSender(advertisement: AdvertisementPacket): string {
  const packet = Buffer.from(advertisement.packet);
  packet.fill(0, 4, 6);
  packet.fill(0, 10, 16);
  return `${advertisement.destinationMac} ${packet.toString("hex")}`;
}

function whyNot(): string | false {
  if (process.getuid?.() !== 0) return "needs root: it makes network namespaces";
  const missing = ["keepalived", "tcpdump"].filter(
    (program) => spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0,
  );
  return missing.length === 0 ? false : `needs ${missing.join(" and ")}`;
}
