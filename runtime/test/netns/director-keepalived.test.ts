/** The same real servers under keepalived and under karuntime: the lines of lvs_notify_fifo, and the commands, are the same. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, test } from "node:test";
import type { Host } from "../../../lab/src/host.ts";
import type { HostProcess } from "../../../lab/src/host-process.ts";
import { startKaruntime } from "../../../lab/src/karuntime.ts";
import { createLab } from "../../../lab/src/lab.ts";
import { ensureLabPrivileges } from "../../../lab/src/privileges.ts";
import { waitFor } from "../../../lab/src/time.ts";

const WAIT_MS = 60_000;
const skip =
  process.getuid?.() !== 0
    ? "needs root"
    : existsSync("/proc/net/ip_vs")
      ? false
      : "keepalived checks nothing without IPVS, which this kernel does not have";

const CHECKER = `import { defineChecker } from "@karuntime/sdk";
export default defineChecker({
  async check({ target, connect }) {
    await connect(\`\${target.address}:\${target.port}\`);
  },
});
`;

/** @param checker the block in which the two differ. */
function configuration(virtualServer: string, checker: string): string {
  const realServer = (place: number): string => `  real_server 192.0.2.${place} 6379 {
    notify_up "/run/told.sh up ${place}"
    notify_down "/run/told.sh down ${place}"
    ${checker}
  }`;
  return `global_defs {
  lvs_notify_fifo /run/lvs
  script_user root
}
vrrp_instance VI_1 {
  interface eth0
  virtual_router_id 51
  virtual_ipaddress {
    192.0.2.100/24
  }
}
virtual_server 192.0.2.100 80 {
  delay_loop 1
  warmup 0
  retry 1
  delay_before_retry 1
  lb_algo rr
  lb_kind NAT
  protocol TCP
  quorum_up "/run/told.sh quorum-up"
  quorum_down "/run/told.sh quorum-down"
  ${virtualServer}
${realServer(11)}
${realServer(12)}
}
`;
}

/** What was said from one step to the next. Within a step the two real servers may come in either order. */
interface Told {
  readonly lines: readonly (readonly string[])[];
  readonly commands: readonly string[];
}

interface Play {
  /** Which of them run at the start. */
  readonly first: readonly number[];
  /** Starts and stops, and how many lines have come by then. */
  readonly steps: readonly { readonly act: string; readonly lines: number }[];
  /** How many lines the start has, and the stop. */
  readonly start: number;
  readonly stop: number;
}

/** @param launch starts what is tried, and gives what ends it. */
async function watch(
  host: Host,
  play: Play,
  launch: () => Promise<() => Promise<unknown>>,
): Promise<Told> {
  const redis = new Map<number, HostProcess>();
  const act = async (word: string, place: number): Promise<void> => {
    if (word === "stop") {
      redis.get(place)?.kill("SIGKILL");
      await redis.get(place)?.exited;
      return;
    }
    const address = `192.0.2.${place}`;
    const server = await host.spawn(["redis-server", "--bind", address, "--save", ""]);
    redis.set(place, server);
    await waitFor("redis", () => /[Rr]eady to accept connections/.test(server.output), WAIT_MS);
  };
  for (const place of play.first) await act("start", place);
  await host.run(["mkfifo", "/run/lvs"]);
  const pipe = await host.spawn(["sh", "-c", "exec cat <>/run/lvs"]);
  const seen = (): string[] => pipe.lines.map(({ text }) => text.replaceAll("\0", ""));
  const lines: string[][] = [];
  const step = async (what: string, more: number): Promise<void> => {
    const from = lines.flat().length;
    await waitFor(`${what}: ${from + more} lines\n`, () => seen().length >= from + more, WAIT_MS);
    lines.push(seen().slice(from, from + more));
  };
  const end = await launch();
  await step("the start", play.start);
  for (const { act: words, lines: more } of play.steps) {
    const [word = "", place] = words.split(" ");
    await act(word, Number(place));
    await step(words, more);
  }
  // Each line has its command, and keepalived takes with it those that still run.
  const told = (): number => host.read("/run/told").split("\n").length - 1;
  await waitFor("the commands", () => told() >= lines.flat().length, WAIT_MS);
  await end();
  await step("the stop", play.stop);
  assert.equal(
    seen().length,
    lines.flat().length,
    `more lines than expected: ${seen().join("\n")}`,
  );
  pipe.kill("SIGKILL");
  for (const server of redis.values()) server.kill("SIGKILL");
  await Promise.all([...redis.values()].map(({ exited }) => exited));
  const commands = host.read("/run/told").trim().split("\n").toSorted();
  await host.run(["rm", "-f", "/run/told", "/run/lvs"]);
  return { lines: lines.map((some) => some.toSorted()), commands };
}

async function compare(virtualServer: string, play: Play): Promise<void> {
  await ensureLabPrivileges();
  const lab = await createLab();
  try {
    const host = await lab.host("node", { address: "192.0.2.1/24", interface: "eth0" });
    for (const place of [11, 12])
      await host.run(["ip", "address", "add", `192.0.2.${place}/32`, "dev", "lo"]);
    host.write("/run/told.sh", '#!/bin/sh\necho "$*" >>/run/told\n');
    await host.run(["chmod", "755", "/run/told.sh"]);
    host.write("/run/checker.ts", CHECKER);
    const theirs = await watch(host, play, async () => {
      host.write("/run/k.conf", configuration(virtualServer, "TCP_CHECK {\n}"));
      const keepalived = await host.spawn([
        "keepalived",
        "--dont-fork",
        "--log-console",
        "--check",
        "--use-file",
        "/run/k.conf",
      ]);
      return async () => {
        keepalived.kill("SIGTERM");
        await keepalived.exited;
      };
    });
    const ours = await watch(host, play, async () => {
      const checker = 'MISC_CHECK {\n misc_path "plugin:./checker.ts"\n }';
      host.write("/run/k.conf", configuration(virtualServer, checker));
      const karuntime = await startKaruntime(host, { configuration: "/run/k.conf" });
      return () => karuntime.stop();
    });
    assert.deepEqual(ours, theirs);
  } finally {
    await lab.close();
  }
}

describe("real servers under keepalived and under karuntime", { skip }, () => {
  const steps = [
    { act: "stop 11", lines: 1 },
    { act: "stop 12", lines: 2 },
    { act: "start 12", lines: 2 },
    { act: "start 11", lines: 1 },
  ];

  test("as they are", { timeout: 300_000 }, () =>
    compare("", { first: [11, 12], start: 1, steps, stop: 0 }),
  );

  test("with omega", { timeout: 300_000 }, () =>
    compare("omega", { first: [11, 12], start: 1, steps, stop: 3 }),
  );

  test("with alpha, one of them down at the start", { timeout: 300_000 }, () =>
    compare("alpha", {
      first: [11],
      start: 3,
      steps: [
        { act: "stop 11", lines: 2 },
        { act: "start 12", lines: 2 },
      ],
      stop: 0,
    }),
  );

  test("with a quorum of both, hysteresis and a sorry server", { timeout: 300_000 }, () =>
    compare("quorum 2\n hysteresis 1\n alpha\n sorry_server 192.0.2.99 80", {
      first: [],
      start: 3,
      steps: [
        { act: "start 11", lines: 1 },
        { act: "start 12", lines: 1 },
      ],
      stop: 0,
    }),
  );
});
