/** A client that asks the virtual address all the time, and what it saw: who answered, and for how long nobody did. */
import { fileURLToPath } from "node:url";
import type { Host } from "./host.ts";
import type { Line } from "./host-process.ts";
import { now, waitFor } from "./time.ts";

/** An hour at one request every 5 ms. */
const ATTEMPTS_MAX = 720_000;

export interface Attempt {
  readonly startedMs: number;
  readonly endedMs: number;
  /** The body of the answer, by which nodes name themselves; undefined when the attempt failed. */
  readonly answer: string | undefined;
  readonly error: string | undefined;
}

/** The longest time without a success. */
export interface Outage {
  readonly ms: number;
  /** The last success before it and the first after it. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** Who gave them; `after` is undefined while nobody has answered again. */
  readonly before: string | undefined;
  readonly after: string | undefined;
  /** Attempts that ended in between without success. None at all means that the client itself was held up. */
  readonly failures: number;
  readonly errors: readonly string[];
}

export interface ProbeOptions {
  readonly address: string;
  readonly port?: number;
  /** Time from request to request. Default 5. */
  readonly intervalMs?: number;
  /** Time limit of one request. Default 250. */
  readonly timeoutMs?: number;
}

export interface Probe {
  /** In the order in which they ended. */
  readonly attempts: readonly Attempt[];
  /** The longest outage that touches this period; times of `now()`, the end by default now. */
  outage(fromMs: number, toMs?: number): Outage;
  /** Who answered in this period, in order, each name once for as long as it went on answering. */
  answers(fromMs: number, toMs?: number): readonly string[];
  /** Resolves when a request begun from now on was answered by this node, or by anybody. */
  answered(by: string | undefined, timeoutMs: number): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the client inside the host. */
export async function startProbe(client: Host, options: ProbeOptions): Promise<Probe> {
  const attempts: Attempt[] = [];
  const script = fileURLToPath(new URL("./probe-client.ts", import.meta.url));
  const program = await client.spawn(
    [
      process.execPath,
      script,
      options.address,
      String(options.port ?? 80),
      String(options.intervalMs ?? 5),
      String(options.timeoutMs ?? 250),
    ],
    { onLine: record, env: { NODE_OPTIONS: "" } },
  );

  function record(line: Line): void {
    if (line.stream === "stderr") return;
    const [startedMs, endedMs, answer, error] = JSON.parse(line.text) as [
      number,
      number,
      string | null,
      string | null,
    ];
    attempts.push({
      startedMs,
      endedMs,
      answer: answer ?? undefined,
      error: error ?? undefined,
    });
    if (attempts.length > ATTEMPTS_MAX) attempts.shift();
  }

  function period(fromMs: number, toMs: number): Attempt[] {
    return attempts.filter((attempt) => attempt.endedMs >= fromMs && attempt.endedMs <= toMs);
  }

  return {
    attempts,
    outage(fromMs, toMs = now()) {
      const lastBefore = attempts.findLast(
        (attempt) => attempt.endedMs < fromMs && attempt.answer !== undefined,
      );
      return longestOutage(
        [...(lastBefore === undefined ? [] : [lastBefore]), ...period(fromMs, toMs)],
        fromMs,
        toMs,
      );
    },
    answers(fromMs, toMs = now()) {
      const names = period(fromMs, toMs).flatMap((attempt) => attempt.answer ?? []);
      return names.filter((name, index) => name !== names[index - 1]);
    },
    async answered(by, timeoutMs) {
      const sinceMs = now();
      await waitFor(
        `an answer ${by === undefined ? "" : `of ${by} `}at ${options.address}`,
        () => {
          if (program.ending !== undefined) {
            throw new Error(`the probing client ended: ${program.output.slice(-2000)}`);
          }
          const last = attempts.findLast((attempt) => attempt.answer !== undefined);
          return (
            last !== undefined &&
            last.startedMs >= sinceMs &&
            (by === undefined || last.answer === by)
          );
        },
        timeoutMs,
      );
    },
    async stop() {
      program.kill("SIGKILL");
      await program.exited;
    },
  };
}

/**
 * The longest time without a success.
 *
 * @param attempts in the order in which they ended; a success before all others only says when counting begins.
 * @param fromMs where counting begins when `attempts` does not begin with a success.
 */
export function longestOutage(attempts: readonly Attempt[], fromMs: number, toMs: number): Outage {
  let longest: Outage | undefined;
  let last: Attempt | undefined;
  let failed: Attempt[] = [];
  const gap = (after: Attempt | undefined): Outage => {
    const beganMs = last?.endedMs ?? fromMs;
    const untilMs = after?.endedMs ?? Math.max(toMs, beganMs);
    return {
      ms: untilMs - beganMs,
      fromMs: beganMs,
      untilMs,
      before: last?.answer,
      after: after?.answer,
      failures: failed.length,
      errors: [...new Set(failed.flatMap((attempt) => attempt.error ?? []))],
    };
  };
  for (const attempt of attempts) {
    if (attempt.answer === undefined) {
      failed.push(attempt);
      continue;
    }
    longest = longer(longest, gap(attempt));
    last = attempt;
    failed = [];
  }
  return longer(longest, gap(undefined));
}

function longer(one: Outage | undefined, other: Outage): Outage {
  return one === undefined || other.ms > one.ms ? other : one;
}
