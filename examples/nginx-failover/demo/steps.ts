/** The story, step by step: what happens to the nodes, and what has to come of it. */
import { delay, waitFor } from "@karuntime/lab/time.ts";
import { START, masterDown, noticed, skew, totalMs } from "./bounds.ts";
import {
  checkOf,
  everyAdvertisement,
  holdsAlone,
  leaseEnds,
  leaseOf,
  onlyAnswers,
  onlySender,
  returnedWithin,
  runsAs,
  sendersInOrder,
} from "./facts.ts";
import { DEADLINE_MS, observe } from "./observe.ts";
import type { Outcome } from "./observe.ts";
import type { Fact } from "./report.ts";
import { say } from "./report.ts";
import type { Stage } from "./stage.ts";
import { ADVERT_INTERVAL_MS } from "./stage.ts";

export interface Step {
  readonly title: string;
  play(stage: Stage): Promise<Outcome>;
}

export const steps: readonly Step[] = [
  {
    title: "both nodes start, one becomes master",
    play: async (stage) =>
      observe(stage, {
        allowed: [...START, ...masterDown(stage.b.priority, ADVERT_INTERVAL_MS)],
        event: async () => {
          await Promise.all([stage.a.start(), stage.b.start()]);
        },
        until: async () => {
          await stage.a.karuntime().entered("master", DEADLINE_MS);
          await stage.b.karuntime().entered("backup", DEADLINE_MS);
          await stage.probe.answered("node-a", DEADLINE_MS);
        },
        facts: async () => [
          await holdsAlone(stage.a, stage.b),
          {
            text: "the plugin started nginx on both nodes",
            holds: [stage.a, stage.b].every((node) => node.nginx.runs()),
          },
        ],
      }),
  },
  {
    title: "nginx dies on the master; the plugin starts it again",
    play: async (stage) =>
      observe(stage, {
        allowed: noticed(await checkOf(stage.a)),
        event: () => stage.a.nginx.kill(),
        until: () => stage.probe.answered("node-a", DEADLINE_MS),
        facts: async (sinceMs) => [
          await holdsAlone(stage.a, stage.b),
          onlyAnswers(stage, sinceMs, stage.a),
          onlySender(stage, sinceMs, stage.a),
        ],
      }),
  },
  {
    title: "nginx dies and cannot be started; the address moves",
    play: async (stage) =>
      observe(stage, {
        allowed: [...noticed(await checkOf(stage.a)), ...skew(stage.b.priority)],
        event: async () => {
          stage.a.nginx.break();
          await stage.a.nginx.kill();
        },
        until: () => stage.probe.answered("node-b", DEADLINE_MS),
        facts: async () => [await holdsAlone(stage.b, stage.a), await runsAs(stage.a, "fault")],
      }),
  },
  {
    title: "nginx is healed; the address returns",
    play: async (stage) =>
      observe(stage, {
        allowed: [],
        event: async () => stage.a.nginx.heal(),
        until: () => stage.probe.answered("node-a", DEADLINE_MS),
        facts: async (sinceMs) => [
          await holdsAlone(stage.a, stage.b),
          returnedWithin(stage, sinceMs, [
            ...noticed(await checkOf(stage.a)),
            ...masterDown(stage.a.priority, ADVERT_INTERVAL_MS),
          ]),
        ],
      }),
  },
  {
    title: "the same without preemption; the address stays",
    play: async (stage) => {
      say("  (node-a is started again without preemption, its nginx broken)");
      stage.a.nginx.break();
      await stage.a.nginx.kill();
      await stage.a.karuntime().stop();
      await stage.a.start({ preempt: false });
      await stage.probe.answered("node-b", DEADLINE_MS);
      return observe(stage, {
        allowed: [],
        event: async () => stage.a.nginx.heal(),
        until: async () => {
          await stage.a.karuntime().entered("backup", DEADLINE_MS);
          await delay(totalMs(masterDown(stage.a.priority, ADVERT_INTERVAL_MS)));
        },
        facts: async (sinceMs) => [
          await holdsAlone(stage.b, stage.a),
          onlyAnswers(stage, sinceMs, stage.b),
          await runsAs(stage.a, "backup"),
        ],
      });
    },
  },
  {
    title: "every process of the master is killed at once",
    play: async (stage) => {
      await stage.a.karuntime().stop();
      await stage.a.start();
      await stage.probe.answered("node-a", DEADLINE_MS);
      const lease = await leaseOf(stage.a);
      let leaseEnded: Promise<Fact>;
      return observe(stage, {
        allowed: masterDown(stage.b.priority, ADVERT_INTERVAL_MS),
        event: async () => {
          await stage.a.host.killEverything();
          leaseEnded = leaseEnds(stage.a, lease);
        },
        until: () => stage.probe.answered("node-b", DEADLINE_MS),
        facts: async () => [await leaseEnded, await holdsAlone(stage.b, stage.a)],
      });
    },
  },
  {
    title: "the dead node is started again and takes it back",
    play: async (stage) =>
      observe(stage, {
        allowed: [],
        event: () => stage.a.start(),
        until: () => stage.probe.answered("node-a", DEADLINE_MS),
        facts: async (sinceMs) => [
          await holdsAlone(stage.a, stage.b),
          returnedWithin(stage, sinceMs, [
            ...START,
            ...masterDown(stage.a.priority, ADVERT_INTERVAL_MS),
          ]),
        ],
      }),
  },
  {
    title: "the master's engine is frozen (SIGSTOP)",
    play: async (stage) => {
      const lease = await leaseOf(stage.a);
      let leaseEnded: Promise<Fact>;
      return observe(stage, {
        allowed: masterDown(stage.b.priority, ADVERT_INTERVAL_MS),
        event: async () => {
          await stage.a.karuntime().signal("engine", "SIGSTOP");
          leaseEnded = leaseEnds(stage.a, lease);
        },
        until: () => stage.probe.answered("node-b", DEADLINE_MS),
        facts: async () => [await leaseEnded, await holdsAlone(stage.b, stage.a)],
      });
    },
  },
  {
    title: "it goes on (SIGCONT) and takes the address back",
    play: async (stage) =>
      observe(stage, {
        allowed: [],
        event: async () => {
          for (const frozen of stage.a.host.processes()) {
            if (frozen.state === "T") process.kill(frozen.pid, "SIGCONT");
          }
        },
        until: () => stage.probe.answered("node-a", DEADLINE_MS),
        facts: async (sinceMs) => [
          await holdsAlone(stage.a, stage.b),
          {
            text: "never two masters: node-b advertised until node-a did, and not after",
            holds: sendersInOrder(stage, sinceMs).join() === "node-b,node-a",
          },
        ],
      }),
  },
  {
    title: "the master's sandbox host is killed; nothing happens",
    play: async (stage) => {
      const transitions = stage.a.karuntime().transitions().length;
      return observe(stage, {
        allowed: [],
        event: async () => {
          await stage.a.karuntime().signal("sandbox", "SIGKILL");
        },
        until: async () => {
          await waitFor(
            "a new sandbox host to have run the check",
            async () => {
              const { sandboxes, checks } = await stage.a.karuntime().status();
              return (sandboxes[0]?.restarts ?? 0) > 0 && (checks[0]?.runs ?? 0) > 0;
            },
            DEADLINE_MS,
          );
        },
        facts: async (sinceMs) => [
          await holdsAlone(stage.a, stage.b),
          {
            text: "no transition on node-a",
            holds: stage.a.karuntime().transitions().length === transitions,
          },
          onlySender(stage, sinceMs, stage.a),
          everyAdvertisement(stage, sinceMs),
          {
            text: "the check runs again, and is up",
            holds: (await checkOf(stage.a)).state === "up",
          },
        ],
      });
    },
  },
  {
    title: "the master is stopped in order; the address moves at once",
    play: async (stage) =>
      observe(stage, {
        allowed: skew(stage.b.priority),
        event: async () => {
          const ending = await stage.a.karuntime().stop();
          if (ending.code !== 0) throw new Error(`node-a ended with status ${ending.code}`);
        },
        until: () => stage.probe.answered("node-b", DEADLINE_MS),
        facts: async (sinceMs) => [
          await holdsAlone(stage.b, stage.a),
          {
            text: "node-a resigned with priority 0",
            holds: stage.wire
              .advertisements(sinceMs, stage.a.address)
              .some((advertisement) => advertisement.priority === 0),
          },
        ],
      }),
  },
];
