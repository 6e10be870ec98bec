/**
 * Every attack in a real sandbox host of the daemon: it comes to what it must, in time, and nobody beside it notices.
 *
 *   FAMILY=network node --test suite.test.ts     only one family
 *   TABLE=table.md node --test suite.test.ts     the table also goes to a file
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Arena, Encounter } from "./arena.ts";
import { SECRET, openArena } from "./arena.ts";
import type { Attack } from "./attack.ts";
import { TIMEOUT_MS } from "./attack.ts";
import { families } from "./attacks/all.ts";

/** What a report may take beyond the limit: on a quiet machine, and at all. */
const LATE_MS = 250;
const LATE_MS_MAX = 1000;
/** A neighbour of the default interval, one second, loses an invocation at most; a busy machine starts processes slowly. */
const GAP_MS_MAX = 1000 + 1000;
const GROWTH_BYTES_MAX = 10e6;

interface Row {
  readonly attack: Attack;
  readonly met: Encounter;
}

const chosen = Object.entries(families).filter(([name]) =>
  [undefined, name].includes(process.env["FAMILY"]),
);
const rows: Row[] = [];
let arena: Arena;
let heapBefore = 0;

before(async () => {
  arena = await openArena();
  // What is loaded once is not growth.
  await arena.meet({ name: "nothing", source: "", wanted: "up" });
  heapBefore = heapUsed();
});
after(() => {
  arena.close();
  const table = tableOf(rows);
  console.log(table);
  const file = process.env["TABLE"];
  if (file !== undefined) writeFileSync(file, table);
});

for (const [family, attacks] of chosen)
  describe(`an attack of the family ${family}`, () => {
    for (const attack of attacks)
      test(attack.name, { todo: attack.hole ?? false }, async () => {
        const met = await arena.meet(attack);
        rows.push({ attack, met });
        judge(attack, met);
      });
  });

describe("after all of them", () => {
  test("the daemon's memory has not grown", async () => {
    await sleep(100);
    const growth = heapUsed() - heapBefore;
    console.log(`the heap grew by ${(growth / 1e6).toFixed(1)} MB over ${rows.length} attacks`);
    assert.ok(growth < GROWTH_BYTES_MAX, `${growth} bytes`);
  });

  test("nothing was reached that was not granted", () => {
    assert.deepEqual(arena.breaches(), []);
  });

  test("every mail went to its one receiver, with one subject at most", () => {
    for (const { receivers, text } of arena.mails) {
      assert.deepEqual(receivers, ["RCPT TO:<ops@example.com>"]);
      const [head = ""] = text.split("\n\n");
      assert.doesNotMatch(head, /^(?:bcc|cc):/im);
      assert.ok((head.match(/^subject:/gim) ?? []).length <= 1);
    }
  });
});

function judge(attack: Attack, met: Encounter): void {
  assert.equal(met.seen, attack.wanted, met.reason);
  if (attack.reason !== undefined) assert.match(met.reason, attack.reason);
  assert.deepEqual(met.neighbourDown, []);
  assert.equal(met.neighbourFailed, 0);
  assert.equal(met.leftBehind, 0);
  if (attack.mayRecycle === true) {
    assert.ok(met.gapMs <= GAP_MS_MAX, `no host for ${met.gapMs} ms`);
  } else assert.deepEqual(met.replacements, []);
  assert.doesNotMatch(met.reason, SECRET);
  for (const line of met.lines) {
    assert.doesNotMatch(line, SECRET);
    assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\u2028\u2029]/u);
    assert.ok(line.length <= 500);
  }
  if (attack.wanted === "refused") return;
  const limitMs = attack.timeoutMs ?? TIMEOUT_MS;
  assert.ok(
    met.reportedAfterMs <= limitMs + LATE_MS_MAX,
    `reported after ${met.reportedAfterMs} ms`,
  );
}

function heapUsed(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

function tableOf(all: readonly Row[]): string {
  const lines = all.map(({ attack, met }) => {
    const late = met.reportedAfterMs > (attack.timeoutMs ?? TIMEOUT_MS) + LATE_MS;
    const after = Number.isNaN(met.reportedAfterMs)
      ? ""
      : `${Math.round(met.reportedAfterMs)}${late ? " (late)" : ""}`;
    const replaced = met.replaced === 0 ? "no" : `${met.replaced} times`;
    return `| ${attack.name.replaceAll("|", "\\|")} | ${attack.wanted} | ${met.seen} | ${after} | ${replaced} |`;
  });
  return [
    "| attack | wanted | seen | reported after ms | host replaced |",
    "| --- | --- | --- | --- | --- |",
    ...lines,
    "",
  ].join("\n");
}
