/** What can be asked of the stage after a step, each answered in words and with yes or no. */
import { delay, now } from "@karuntime/lab/time.ts";
import type { Bound } from "./bounds.ts";
import { BUSY_MACHINE, leaseEnd, totalMs } from "./bounds.ts";
import { DEADLINE_MS } from "./observe.ts";
import type { Fact } from "./report.ts";
import { seconds } from "./report.ts";
import type { Node, Stage } from "./stage.ts";
import { ADVERT_INTERVAL_MS, VIRTUAL_ADDRESS } from "./stage.ts";

/** Seldom enough not to disturb what is measured at the same time. */
const LEASE_POLL_MS = 100;

export async function holdsAlone(holder: Node, other: Node): Promise<Fact> {
  const [holds, otherHolds] = await Promise.all([holder.holdsAddress(), other.holdsAddress()]);
  return {
    text: `${holder.name} has the address, ${other.name} does not`,
    holds: holds && !otherHolds,
  };
}

/** The daemon answers `karuntime status`, and says this of its virtual router. */
export async function runsAs(node: Node, state: string): Promise<Fact> {
  const { virtualRouters } = await node.karuntime().status();
  const [router] = virtualRouters;
  return {
    text: `karuntime runs on ${node.name}, its virtual router is ${(router?.state ?? "missing").toUpperCase()}`,
    holds: router?.state === state && node.karuntime().process.ending === undefined,
  };
}

/** The only check of a node, as its status has it. */
export async function checkOf(node: Node) {
  const { checks } = await node.karuntime().status();
  const [check] = checks;
  if (check === undefined) throw new Error(`${node.name}: its status shows no check`);
  return check;
}

export function onlyAnswers(stage: Stage, sinceMs: number, node: Node): Fact {
  const answers = stage.probe.answers(sinceMs);
  return {
    text: `nobody but ${node.name} answered`,
    holds: answers.length > 0 && answers.every((name) => name === node.name),
  };
}

/** Who advertised, in order; a name again only when another one came between. */
export function sendersInOrder(stage: Stage, sinceMs: number): readonly string[] {
  const names = stage.wire
    .advertisements(sinceMs)
    .map(
      ({ source }) => [stage.a, stage.b].find((node) => node.address === source)?.name ?? source,
    );
  return names.filter((name, index) => name !== names[index - 1]);
}

export function onlySender(stage: Stage, sinceMs: number, node: Node): Fact {
  return {
    text: `nobody but ${node.name} advertised`,
    holds: sendersInOrder(stage, sinceMs).join() === node.name,
  };
}

/** Not one is missing: neither in number nor by the time between two. */
export function everyAdvertisement(stage: Stage, sinceMs: number): Fact {
  const times = stage.wire.advertisements().map(({ atMs }) => atMs);
  const last = times.findLastIndex((atMs) => atMs < sinceMs);
  const period = times.slice(Math.max(0, last));
  const gaps = period.slice(1).map((atMs, index) => atMs - (period[index] ?? 0));
  const longest = Math.max(...gaps);
  return {
    text: `${gaps.length} advertisements followed, ${seconds(longest)} apart at most`,
    holds: gaps.length > 0 && longest <= ADVERT_INTERVAL_MS + totalMs(BUSY_MACHINE),
  };
}

/** @param bound from `sinceMs` to the first answer of whoever answers now; the allowance is added here. */
export function returnedWithin(stage: Stage, sinceMs: number, bound: Bound): Fact {
  const answered = stage.probe.attempts.filter((attempt) => attempt.answer !== undefined);
  const holder = answered.at(-1)?.answer;
  const last = answered.findLastIndex((attempt) => attempt.answer !== holder);
  const ms = (answered[last + 1]?.endedMs ?? now()) - sinceMs;
  const allowedMs = totalMs(bound) + totalMs(BUSY_MACHINE);
  return {
    text: `${holder ?? "nobody"} had it back after ${seconds(ms)}, allowed ${seconds(allowedMs)}`,
    holds: ms <= allowedMs,
  };
}

/** Seconds that the kernel will keep the address without being asked again; undefined: for ever, or it is not there. */
export async function leaseOf(node: Node): Promise<number | undefined> {
  const addresses = await node.host.addresses();
  return addresses.find((entry) => entry.address === VIRTUAL_ADDRESS)?.validSeconds;
}

/**
 * Watches for the kernel to take the address away from a node that can no longer do so itself. Call it right after the
 * event, so that the watching runs while the rest of the step does.
 *
 * @param lease what `leaseOf` said just before.
 */
export async function leaseEnds(node: Node, lease: number | undefined): Promise<Fact> {
  if (lease === undefined) return { text: `the address had a lease on ${node.name}`, holds: false };
  const sinceMs = now();
  while (await node.holdsAddress()) {
    if (now() - sinceMs > DEADLINE_MS) break;
    await delay(LEASE_POLL_MS);
  }
  const ms = now() - sinceMs;
  const allowedMs = totalMs(leaseEnd(lease)) + totalMs(BUSY_MACHINE);
  return {
    text: `the kernel took the address from ${node.name} after ${seconds(ms)}; its lease allows ${seconds(allowedMs)}`,
    holds: ms <= allowedMs,
  };
}
