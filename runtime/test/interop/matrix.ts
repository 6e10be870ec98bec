/** Which dialects are spoken with whom, and the one scenario that every cell of the matrix goes through. */
import { createLab } from "@karuntime/lab/lab.ts";
import type { Dialect, Peer, Program } from "./peers.ts";
import { createPeer, intervalMs } from "./peers.ts";

/** Reached only when something is broken: several times what the timers of the protocol allow. */
const INTERVALS_MAX = 12;
const SLACK_MS = 8000;

export interface Case {
  readonly other: Exclude<Program, "karuntime">;
  readonly role: "master" | "backup";
  readonly dialect: Dialect;
}

export const STEPS = [
  "start",
  "priority down",
  "priority up",
  "failover",
  "failback",
  "stop",
] as const;
export type Step = (typeof STEPS)[number];

export interface Outcome {
  readonly passed: readonly Step[];
  /** Where it went wrong and how; undefined when it did not. */
  readonly failure: { readonly step: Step; readonly error: Error } | undefined;
}

/** Every combination that both programs speak. FRR: multicast, no authentication, always with a virtual MAC of its own. */
export const CASES: readonly Case[] = (["keepalived", "frr"] as const).flatMap((other) =>
  dialects(other).flatMap((dialect) =>
    (["master", "backup"] as const).map((role) => ({ other, role, dialect })),
  ),
);

export function describeCase({ other, role, dialect }: Case): string {
  const { version, family, transport, authentication, virtualMac } = dialect;
  const mac = virtualMac ? "virtual MAC" : "own MAC";
  return `version ${version}, ${family}, ${transport}, ${authentication}, ${mac}: karuntime is ${role}, ${other} the other`;
}

/** Runs one case on two hosts of its own. */
export async function runCase({ other, role, dialect }: Case): Promise<Outcome> {
  const lab = await createLab();
  const passed: Step[] = [];
  try {
    const [high, low] = await Promise.all(
      [1, 2].map(async (number) => {
        const host = await lab.host(`n${number}`, {
          address: `10.0.0.${number}/24`,
          ipv6: `fe80::${number}/64`,
        });
        const peers = dialect.family === "IPv4" ? "10.0.0." : "fe80::";
        const program = (number === 1) === (role === "master") ? "karuntime" : other;
        return createPeer(program, {
          host,
          dialect,
          address: `${peers}${number}`,
          peer: `${peers}${3 - number}`,
          timeoutMs: INTERVALS_MAX * intervalMs(dialect) + SLACK_MS,
        });
      }),
    );
    if (high === undefined || low === undefined) throw new Error("two peers are needed");
    for (const step of STEPS) {
      try {
        await scenario[step](high, low);
        passed.push(step);
      } catch (error) {
        const failure = { step, error: error instanceof Error ? error : new Error(String(error)) };
        return { passed, failure };
      }
    }
    return { passed, failure: undefined };
  } finally {
    await lab.close();
  }
}

/** Two are never of the same opinion by accident: each step waits for both. */
const scenario: Readonly<Record<Step, (high: Peer, low: Peer) => Promise<void>>> = {
  async start(high, low) {
    await high.start(200);
    await high.is("master");
    await low.start(100);
    await low.is("backup");
  },
  async "priority down"(high, low) {
    await high.track("bad");
    await low.is("master");
    await high.is("backup");
  },
  async "priority up"(high, low) {
    await high.track("good");
    await high.is("master");
    await low.is("backup");
  },
  async failover(high, low) {
    await high.kill();
    await low.is("master");
  },
  async failback(high, low) {
    await high.start(200);
    await high.is("master");
    await low.is("backup");
  },
  async stop(high, low) {
    await high.stop();
    await low.is("master");
  },
};

function dialects(other: Case["other"]): Dialect[] {
  const all: Dialect[] = [];
  for (const virtualMac of [false, true]) {
    for (const [version, family] of [
      [2, "IPv4"],
      [3, "IPv4"],
      [3, "IPv6"],
    ] as const) {
      for (const transport of ["multicast", "unicast"] as const) {
        for (const authentication of ["none", "PASS", "AH"] as const) {
          if (authentication !== "none" && version === 3) continue;
          if (other === "frr" && (transport === "unicast" || authentication !== "none")) continue;
          all.push({ version, family, transport, authentication, virtualMac });
        }
      }
    }
  }
  return all;
}
