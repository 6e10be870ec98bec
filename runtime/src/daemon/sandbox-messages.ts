/** The daemon does not trust a sandbox host: whatever arrives from one passes through here first. */
import * as z from "zod";
import type { SandboxToDaemon } from "../sandbox/protocol.ts";
import { SERVICE_ACTIONS } from "../sandbox/protocol.ts";

const TEXT_MAX = 2000;
const id = z.int().min(0);
const name = z.string().max(64);
const text = z.string().max(TEXT_MAX);
const count = z.number().min(0);
const outcome = z.enum(["up", "down", "timed out", "out of memory", "error"]);

const report = z.strictObject({
  check: name,
  state: z.enum(["unknown", "up", "down"]),
  reason: text,
  last: z
    .strictObject({ outcome, reason: text, durationMs: count, cpuMs: count, agoMs: count })
    .optional(),
  runs: count,
  outcomes: z.record(outcome, count),
  skipped: count,
  denied: count,
});

const pluginError = z.strictObject({
  message: text,
  file: text.optional(),
  line: count.optional(),
  column: count.optional(),
});

const schema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("ready") }),
  z.strictObject({
    type: z.literal("state"),
    check: name,
    state: z.enum(["up", "down"]),
    reason: text,
  }),
  z.strictObject({
    type: z.literal("service"),
    id,
    check: name,
    service: name,
    action: z.enum(SERVICE_ACTIONS),
  }),
  z.strictObject({
    type: z.literal("log"),
    check: name,
    level: z.enum(["debug", "info", "warn", "error"]),
    message: text,
  }),
  z.strictObject({ type: z.literal("report"), id, checks: z.array(report).max(100_000) }),
  z.strictObject({ type: z.literal("pong"), id }),
  z.strictObject({ type: z.literal("recycle"), reason: text }),
  z.strictObject({
    type: z.literal("evaluated"),
    id,
    result: z.union([
      z.strictObject({ ok: z.literal(true), value: z.json() }),
      z.strictObject({ ok: z.literal(false), error: pluginError }),
    ]),
  }),
]);

/** The message, or undefined when it is none that a sandbox host may send. */
export function parseSandboxMessage(value: unknown): SandboxToDaemon | undefined {
  const result = schema.safeParse(value);
  // zod writes an absent optional as `| undefined`, which JSON cannot carry.
  return result.success ? (result.data as SandboxToDaemon) : undefined;
}
