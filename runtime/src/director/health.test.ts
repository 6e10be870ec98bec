import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type {
  HealthEffect,
  HealthEvent,
  MonitoredVirtualServer,
  VirtualServerHealth,
} from "./health.ts";
import { initialHealth, stepHealth, weightUp } from "./health.ts";

const checker = { retries: 0, retryDelayMs: 1000, startsDown: false };
const server = (parts: Partial<MonitoredVirtualServer> = {}): MonitoredVirtualServer => ({
  quorum: 1,
  hysteresis: 0,
  omega: false,
  sorryServer: false,
  realServers: [
    { weight: 1, checkers: [checker] },
    { weight: 1, checkers: [checker] },
  ],
  ...parts,
});

const start = { type: "start" } as const;
const stop = { type: "stop" } as const;
const said = (
  realServer: number,
  up: boolean,
  which = 0,
  weight: number | undefined = undefined,
): HealthEvent => ({ type: "result", realServer, checker: which, up, weight });

/** One letter and number for each effect, those of one event together: "r0+" a real server, "q-" the quorum, "?0.1" a retry. */
function play(config: MonitoredVirtualServer, events: readonly HealthEvent[]): string[] {
  let health = initialHealth(config);
  return events.map((event) => {
    const step = stepHealth(config, health, event);
    ({ health } = step);
    return step.effects.map(letters).join(" ");
  });
}

function letters(effect: HealthEffect): string {
  if (effect.type === "retry") return `?${effect.realServer}.${effect.checker}`;
  const sign = effect.up ? "+" : "-";
  return effect.type === "quorum" ? `q${sign}` : `r${effect.realServer}${sign}`;
}

// What is expected was seen of keepalived 2.2.7 in a guest with IPVS.
describe("as keepalived tells it", () => {
  test("a start tells the quorum and no real server; a first success is no news", () =>
    assert.deepEqual(play(server(), [start, said(0, true), said(1, true)]), ["q+", "", ""]));

  test("both down, and up again: the real server first, then what that means for the quorum", () =>
    assert.deepEqual(
      play(server(), [
        start,
        said(0, true),
        said(1, true),
        said(0, false),
        said(1, false),
        said(1, true),
        said(0, true),
      ]),
      ["q+", "", "", "r0-", "r1- q-", "r1+ q+", "r0+"],
    ));

  test("alpha: down until the first success, which a first failure confirms", () => {
    const alpha = { ...checker, retries: 5, startsDown: true };
    const config = server({
      realServers: [
        { weight: 1, checkers: [alpha] },
        { weight: 1, checkers: [alpha] },
      ],
    });
    assert.deepEqual(
      play(config, [start, said(0, false), said(1, true), said(0, false), said(0, true)]),
      ["", "r0-", "r1+ q+", "", "r0+"],
    );
  });

  test("a sorry server makes a start without the quorum worth telling", () => {
    const alpha = [{ ...checker, startsDown: true }];
    const realServers = [{ weight: 1, checkers: alpha }];
    assert.deepEqual(play(server({ realServers, sorryServer: true }), [start, said(0, true)]), [
      "q-",
      "r0+ q+",
    ]);
    assert.deepEqual(play(server({ sorryServer: true }), [start]), ["q+"]);
  });

  test("the stop tells nothing; with omega that all which is up goes down", () => {
    const events = [start, said(0, false), stop, said(1, false)];
    assert.deepEqual(play(server(), events), ["q+", "r0-", "", ""]);
    assert.deepEqual(play(server({ omega: true }), events), ["q+", "r0-", "r1- q-", ""]);
    assert.deepEqual(play(server({ omega: true }), [stop, start]), ["", ""]);
  });

  test("the first failure decides alone, later ones are tried again, a success begins anew", () => {
    const realServers = [{ weight: 1, checkers: [{ ...checker, retries: 2 }] }];
    const config = server({ realServers });
    assert.deepEqual(play(config, [start, said(0, false)]), ["q+", "r0- q-"]);
    const [up, down] = [said(0, true), said(0, false)];
    assert.deepEqual(play(config, [start, up, down, down, up, down, down, down, down]), [
      "q+",
      "",
      "?0.0",
      "?0.0",
      "",
      "?0.0",
      "?0.0",
      "r0- q-",
      "",
    ]);
  });

  test("with several checkers it is up only when all are", () => {
    const config = server({ realServers: [{ weight: 1, checkers: [checker, checker] }] });
    assert.deepEqual(
      play(config, [
        start,
        said(0, false, 0),
        said(0, false, 1),
        said(0, true, 0),
        said(0, true, 1),
      ]),
      ["q+", "r0- q-", "", "", "r0+ q+"],
    );
  });

  test("a real server without checkers is up; events for what there is not change nothing", () => {
    const config = server({ realServers: [{ weight: 2, checkers: [] }], quorum: 2 });
    assert.deepEqual(play(config, [start, said(0, false), said(7, false)]), ["q+", "", ""]);
  });
});

test("a checker's weight counts for the quorum, the least of several, never below 0", () => {
  const realServers = [
    { weight: 5, checkers: [checker, checker] },
    { weight: 2, checkers: [] },
  ];
  const config = server({ realServers, quorum: 5 });
  assert.deepEqual(
    play(config, [
      start,
      said(0, true, 0, 2),
      said(0, true, 1, 9),
      said(0, true, 0),
      said(0, true, 1, -4),
      said(0, true, 1),
    ]),
    ["q+", "q-", "", "q+", "q-", "q+"],
  );
  const other = [realServers[0], { weight: 5, checkers: [] }].flatMap((real) => real ?? []);
  assert.deepEqual(play(server({ realServers: other, quorum: 5 }), [start, said(0, true, 0, -4)]), [
    "q+",
    "",
  ]);
});

test("nothing is told of the quorum while the sum stays within the hysteresis", () => {
  const realServers = Array.from({ length: 5 }, () => ({ weight: 1, checkers: [checker] }));
  const config = server({ realServers, quorum: 3, hysteresis: 1 });
  // It needs 4 to come, and less than 2 to go.
  assert.deepEqual(
    play(config, [
      start,
      ...[0, 1, 2].map((real) => said(real, false)),
      said(0, true),
      said(0, false),
      said(3, false),
      ...[0, 1].map((real) => said(real, true)),
      said(2, true),
    ]),
    ["q+", "r0-", "r1-", "r2-", "r0+", "r0-", "r3- q-", "r0+", "r1+", "r2+ q+"],
  );
});

describe("whatever happens", () => {
  const configs = fc
    .record({
      realServers: fc.array(
        fc.record({
          weight: fc.nat(4),
          checkers: fc.array(
            fc.record({
              retries: fc.nat(2),
              retryDelayMs: fc.constant(1000),
              startsDown: fc.boolean(),
            }),
            { maxLength: 3 },
          ),
        }),
        { minLength: 1, maxLength: 4 },
      ),
      quorum: fc.integer({ min: 1, max: 8 }),
      narrow: fc.nat(7),
      omega: fc.boolean(),
      sorryServer: fc.boolean(),
    })
    .map(({ narrow, ...config }) => ({ ...config, hysteresis: narrow % config.quorum }));
  const events = fc.array(
    fc.oneof(
      { weight: 1, arbitrary: fc.constantFrom<HealthEvent>(start, stop) },
      {
        weight: 20,
        arbitrary: fc
          .tuple(
            fc.nat(4),
            fc.boolean(),
            fc.nat(2),
            fc.option(fc.integer({ min: -2, max: 6 }), { nil: undefined }),
          )
          .map((result) => said(...result)),
      },
    ),
    { maxLength: 80 },
  );

  /** Hands each step to `see`. */
  function walk(
    see: (
      config: MonitoredVirtualServer,
      before: VirtualServerHealth,
      event: HealthEvent,
      after: VirtualServerHealth,
      effects: readonly HealthEffect[],
    ) => void,
    begin = (): void => undefined,
  ): void {
    fc.assert(
      fc.property(configs, events, (config, sequence) => {
        begin();
        let health = initialHealth(config);
        for (const event of [start, ...sequence]) {
          const step = stepHealth(config, health, event);
          see(config, health, event, step.health, step.effects);
          ({ health } = step);
        }
      }),
      { numRuns: 2000 },
    );
  }

  test("what is told of each alternates between up and down", () => {
    let last = new Map<string, boolean>();
    walk(
      (_config, _before, _event, _after, effects) => {
        for (const effect of effects) {
          if (effect.type === "retry") continue;
          const whose = effect.type === "quorum" ? "quorum" : String(effect.realServer);
          assert.notEqual(last.get(whose), effect.up);
          last.set(whose, effect.up);
        }
      },
      () => (last = new Map()),
    );
  });

  test("the quorum changes only beyond its hysteresis, and then always", () =>
    walk(({ quorum, hysteresis }, before, _event, after) => {
      if (after.phase !== "running") return;
      const sum = weightUp(after);
      if (sum >= quorum + hysteresis) assert.ok(after.quorumUp);
      else if (sum < quorum - hysteresis) assert.ok(!after.quorumUp);
      else if (before.phase === "running") assert.equal(after.quorumUp, before.quorumUp);
    }));

  test("a real server is up exactly when all its checkers are, and every change of that is told", () =>
    walk((_config, before, event, after, effects) => {
      for (const [index, { up, checkers }] of after.realServers.entries()) {
        assert.equal(
          up,
          checkers.every((entry) => entry.up),
        );
        if (event.type !== "result" || up === before.realServers[index]?.up) continue;
        assert.ok(
          effects.some(
            (effect) =>
              effect.type === "real-server" && effect.realServer === index && effect.up === up,
          ),
        );
      }
    }));

  test("a failure is tried again at most as often as the configuration says", () => {
    const retries = new Map<string, number>();
    walk(
      ({ realServers }, _before, event, _after, effects) => {
        if (event.type !== "result") return;
        const key = `${event.realServer}.${event.checker}`;
        if (event.up) retries.delete(key);
        if (!effects.some(({ type }) => type === "retry")) return;
        const times = (retries.get(key) ?? 0) + 1;
        retries.set(key, times);
        const most = realServers[event.realServer]?.checkers[event.checker]?.retries ?? 0;
        assert.ok(times <= most);
      },
      () => retries.clear(),
    );
  });

  test("after the stop nothing is told", () => {
    let stopped = false;
    walk(
      (_config, _before, event, _after, effects) => {
        if (stopped) assert.deepEqual(effects, []);
        stopped ||= event.type === "stop";
      },
      () => (stopped = false),
    );
  });
});
