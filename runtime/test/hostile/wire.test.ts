/** A master that runs the worst attacks as its checks: what goes over the wire stays as regular as it was. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { delay, now } from "@karuntime/lab/time.ts";
import { DEADLINE_MS, configuration, whyNot, withCluster } from "../netns/cluster.ts";
import type { Attack } from "./attack.ts";
import { pluginOf } from "./attack.ts";
import { families } from "./attacks/all.ts";

const INTERVAL_MS = 100;
const SECONDS = 20;
const FAST = { version: 3, advertInterval: "100ms" } as const;
/** 3 intervals and the skew time of priority 200 (RFC 9568, 6.1): then a backup would take over. */
const MASTER_DOWN_MS = 3 * INTERVAL_MS + ((256 - 200) / 256) * INTERVAL_MS;
/** Nobody listens there. */
const PLACES = { granted: 1, secret: 2, folder: "/run/test" };
/** Those that burn most: a processor, memory, the host's own time, the daemon's. */
const WORST = [
  "loops",
  "loops in message and stack of its error",
  "rejects, unhandled, with an error whose getters loop",
  "floods microtasks",
  "floods timers",
  "fills a map",
  "fills an array of 30 million",
  "flattens long strings",
  "multiplies BigInts of millions of digits",
  "parses huge JSON",
  "sorts with a comparator that lies",
  "backtracks in a regular expression",
  "writes lines without end",
  "writes lines as often as it can",
  "forges messages by the hundred thousand",
  "forges lists in lists, as deep as it can",
  "floods its output",
  "throws an error of 10 MB",
];

/** Publishes how late it runs, as far as its host's life goes back. */
const NEIGHBOUR = `import { defineCheck } from "@karuntime/sdk";
const late: number[] = [];
let before = 0;
export default defineCheck({
  permissions: { metrics: true },
  async check({ metrics }) {
    const now = performance.now();
    if (before > 0) late.push(Math.max(0, now - before - ${INTERVAL_MS}));
    before = now;
    const sorted = late.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
    await metrics.gauge("p50_ms", at(0.5));
    await metrics.gauge("p99_ms", at(0.99));
    await metrics.gauge("runs", sorted.length);
  },
});
`;
const PACKAGE = "karuntime-plugin-neighbour";

describe("a master whose checks are attacks", { skip: whyNot() }, () => {
  test(`misses no advertisement in ${SECONDS} s, and stays master`, () =>
    withCluster(async ({ wire, node }) => {
      const [a, b] = [await node(1), await node(2)];
      const attacks = WORST.map(attackNamed);
      attacks.forEach((attack, index) =>
        a.host.write(`/run/test/attack${index}.ts`, pluginOf(attack, PLACES)),
      );
      a.host.write("/run/test/neighbour.ts", NEIGHBOUR);
      a.host.write(`/run/test/node_modules/${PACKAGE}/index.ts`, NEIGHBOUR);
      a.host.write(
        `/run/test/node_modules/${PACKAGE}/package.json`,
        JSON.stringify({ name: PACKAGE, version: "1.0.0", type: "module", exports: "./index.ts" }),
      );
      const timing = { interval: `${INTERVAL_MS}ms`, timeout: "1s" } as const;
      const checks = {
        neighbour: { plugin: "./neighbour.ts", ...timing, fall: 2 },
        elsewhere: { plugin: PACKAGE, grant: { metrics: true }, ...timing },
        ...Object.fromEntries(
          attacks.map((_, index) => [
            `attack${index}`,
            { plugin: `./attack${index}.ts`, interval: "300ms", timeout: "200ms" } as const,
          ]),
        ),
      };
      // With priority 200 over 100, a weight of 1 moves nothing.
      const track = { checks: Object.keys(checks).map((check) => ({ check, weight: 1 })) };
      const backup = await b.start(configuration({ ...FAST, priority: 100 }));
      await backup.entered("master", DEADLINE_MS);
      const quietMs = now();
      await delay(5000);
      print("at rest", gapsOf(wire.advertisements(quietMs, b.address)));

      const master = await a.start(configuration({ ...FAST, priority: 200, track }, { checks }));
      await master.entered("master", DEADLINE_MS);
      await backup.entered("backup", DEADLINE_MS);
      await delay(500);
      const sinceMs = now();
      await delay(SECONDS * 1000);
      const untilMs = now();

      const sent = wire.advertisements(sinceMs, a.address).filter(({ atMs }) => atMs <= untilMs);
      const gaps = gapsOf(sent);
      print("under attack", gaps);
      const report = await master.status();
      const replaced = report.sandboxes.find(({ name }) => name === "operator")?.restarts ?? 0;
      for (const [check, where] of [
        ["neighbour", "beside them"],
        ["elsewhere", "in another host"],
      ] as const) {
        const found = report.checks.find((entry) => entry.check === check);
        const figures = found?.metrics.map(({ name, value }) => `${name} ${value}`).join(", ");
        console.log(`a check ${where} was late: ${figures ?? "no figures"}`);
        assert.equal(found?.effective, "up", `the check ${where} is ${found?.effective}`);
      }
      const other = report.checks.find(({ check }) => check === "elsewhere");
      assert.equal(other?.outcomes.up, other?.runs);
      console.log(`${sent.length} advertisements; the sandbox host was replaced ${replaced} times`);
      assert.ok(Math.max(...gaps) < MASTER_DOWN_MS, `the longest gap was ${Math.max(...gaps)} ms`);
      const moved = [...master.transitions(), ...backup.transitions()];
      assert.deepEqual(
        moved.filter(({ atMs }) => atMs > sinceMs),
        [],
      );
      assert.equal(report.virtualRouters[0]?.state, "master");
    }));
});

function attackNamed(name: string): Attack {
  const found = Object.values(families)
    .flat()
    .find((attack) => attack.name === name);
  if (found === undefined) throw new Error(`there is no attack ${name}`);
  return found;
}

function gapsOf(packets: readonly { readonly atMs: number }[]): number[] {
  return packets.slice(1).map(({ atMs }, index) => atMs - (packets[index]?.atMs ?? 0));
}

/** How far the gaps are from the interval. */
function print(when: string, gaps: readonly number[]): void {
  const deviations = gaps.map((gap) => Math.abs(gap - INTERVAL_MS)).toSorted((a, b) => a - b);
  const at = (share: number): string =>
    (
      deviations[Math.min(deviations.length - 1, Math.floor(share * deviations.length))] ?? 0
    ).toFixed(2);
  console.log(
    `${when}: deviation of the interval p50 ${at(0.5)}, p99 ${at(0.99)}, p99.9 ${at(0.999)}, max ${at(1)} ms of ${gaps.length}`,
  );
}
