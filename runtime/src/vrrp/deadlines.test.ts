/** The heap of deadlines against the simplest thing that does the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Deadlines } from "./deadlines.ts";

interface Owner {
  atMs: number | undefined;
}

const OWNERS = 6;
const move = fc.record({
  owner: fc.integer({ min: 0, max: OWNERS - 1 }),
  atMs: fc.option(fc.integer({ min: 0, max: 50 }), { nil: undefined }),
});
const look = fc.integer({ min: 0, max: 60 });

test("gives out who is due, the earliest first, whatever moved in between", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(move, look), { maxLength: 80 }), (steps) => {
      const owners = Array.from({ length: OWNERS }, (): Owner => ({ atMs: undefined }));
      const deadlines = new Deadlines<Owner>(({ atMs }) => atMs);
      const earliest = (): number | undefined =>
        owners.flatMap(({ atMs }) => atMs ?? []).toSorted((a, b) => a - b)[0];
      for (const step of steps) {
        if (typeof step !== "number") {
          const owner = owners[step.owner];
          assert.ok(owner !== undefined);
          owner.atMs = step.atMs;
          deadlines.update(owner);
        } else {
          for (
            let due = deadlines.takeDue(step);
            due !== undefined;
            due = deadlines.takeDue(step)
          ) {
            assert.equal(due.atMs, earliest());
            assert.ok((due.atMs ?? 61) <= step);
            due.atMs = undefined;
          }
          assert.ok((earliest() ?? 61) > step);
        }
        assert.equal(deadlines.next(), earliest());
      }
    }),
    { numRuns: 1000 },
  );
});

/** Many owners and few moments: entries that went stale meet others of the same time, deep in the heap. */
const CROWD = 16;
const crowded = fc.record({
  owner: fc.integer({ min: 0, max: CROWD - 1 }),
  atMs: fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined }),
});
const glance = fc.integer({ min: 0, max: 14 });

test("gives out each who is due once, also before what it does moves its deadline; it comes back by update", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ weight: 12, arbitrary: crowded }, glance), {
        minLength: 50,
        maxLength: 300,
      }),
      (steps) => {
        const owners = Array.from({ length: CROWD }, (): Owner => ({ atMs: undefined }));
        const deadlines = new Deadlines<Owner>(({ atMs }) => atMs);
        // The model: who waits, to be sorted whenever it is asked.
        const waiting = new Set<Owner>();
        const sorted = (): number[] =>
          [...waiting].flatMap(({ atMs }) => atMs ?? []).toSorted((a, b) => a - b);
        for (const step of steps) {
          if (typeof step === "number") {
            const expected = sorted().filter((atMs) => atMs <= step);
            const taken: Owner[] = [];
            for (let due = deadlines.takeDue(step); due !== undefined && taken.length <= CROWD;) {
              taken.push(due);
              due = deadlines.takeDue(step);
            }
            assert.deepEqual(
              taken.map(({ atMs }) => atMs),
              expected,
            );
            for (const owner of taken) assert.ok(waiting.delete(owner), "given out twice");
          } else {
            const owner = owners[step.owner];
            assert.ok(owner !== undefined);
            owner.atMs = step.atMs;
            waiting.add(owner);
            deadlines.update(owner);
          }
          assert.equal(deadlines.next(), sorted()[0]);
        }
      },
    ),
    { numRuns: 1000 },
  );
});
