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
  const program = fileURLToPath(new URL("./probe-client.ts", import.meta.url));
  const process_ = await client.spawn(
    [
      ...[process.execPath, program, options.address, String(options.port ?? 80)],
      ...[String(options.intervalMs ?? 5), String(options.timeoutMs ?? 250)],
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
        lastBefore?.endedMs ?? fromMs,
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
          if (process_.ending !== undefined) {
            throw new Error(`the probing client ended: ${process_.output.slice(-2000)}`);
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
      process_.kill("SIGKILL");
      await process_.exited;
    },
  };
}

/** @param fromMs the last known success, or where to begin counting when there is none. */
export function longestOutage(attempts: readonly Attempt[], fromMs: number, toMs: number): Outage {
  let last: Attempt | undefined;
  let lastMs = fromMs;
  let errors: string[] = [];
  let failures = 0;
  let longest: Outage | undefined;
  const close = (untilMs: number, after: Attempt | undefined): void => {
    const ms = untilMs - lastMs;
    if (longest !== undefined && ms <= longest.ms) return;
    longest = {
      ms,
      fromMs: lastMs,
      untilMs,
      before: last?.answer,
      after: after?.answer,
      failures,
      errors: [...new Set(errors)],
    };
  };
  for (const attempt of attempts) {
    if (attempt.answer === undefined) {
      failures++;
      if (attempt.error !== undefined) errors.push(attempt.error);
      continue;
    }
    close(attempt.endedMs, attempt);
    last = attempt;
    lastMs = attempt.endedMs;
    errors = [];
    failures = 0;
  }
  close(Math.max(toMs, lastMs), undefined);
  return longest as unknown as Outage;
}
