/** Who becomes master, and when: `state`, `priority`, `nopreempt`, `advert_int` and their kin. */
import { OWNER_PRIORITY } from "../../vrrp/priority.ts";
import type { UserVirtualRouter } from "../define.ts";
import type { Context } from "./context.ts";
import { duration } from "./context.ts";
import type { Globals } from "./global.ts";
import type { Block, Grammar } from "./keyword.ts";
import { flag, integer, last, seconds, text } from "./keyword.ts";

const PRIORITY_DEFAULT = 100;
const INTERVAL_V2_SECONDS_MAX = 255;
const INTERVAL_V3_MS_MAX = 40_950;

export const electionGrammar = {
  state: text("MASTER or BACKUP"),
  priority: integer(1, 255),
  advert_int: seconds(0.01, 255),
  nopreempt: flag(),
  preempt: flag(),
  preempt_delay: seconds(0, 1000),
  down_timer_adverts: integer(1, 100),
} as const satisfies Grammar;

type Instance = Block<typeof electionGrammar>;

export function priorityOf(found: Instance): number {
  const given = last(found.priority);
  if (given !== undefined) return given;
  return found.priority === undefined && last(found.state)?.text === "MASTER"
    ? OWNER_PRIORITY
    : PRIORITY_DEFAULT;
}

/** Whether the instance is meant to begin as master, and what is odd about its saying so. */
export function wantsMaster(found: Instance, priority: number, { report }: Context): boolean {
  const states = found.state ?? [];
  for (const { value } of states)
    if (value.text !== "MASTER" && value.text !== "BACKUP")
      report.warning(
        value,
        "keepalived.state",
        `found the state ${JSON.stringify(value.text)}, expected MASTER or BACKUP in capitals; BACKUP is used`,
      );
  const master = states.find(({ value }) => value.text === "MASTER");
  const later = states.at(-1);
  if (master !== undefined && later !== undefined && later !== master)
    report.warning(later.value, "keepalived.state", "the state was MASTER before, which stays");
  if (master !== undefined && found.priority === undefined)
    report.warning(
      master.value,
      "keepalived.owner",
      "MASTER without a priority means priority 255, the owner of the addresses: it is never pre-empted, and no check lowers it",
      "give it a priority, such as 100",
    );
  if (master === undefined) return states.length === 0 && priority === OWNER_PRIORITY;
  return true;
}

export function preemptionOf(
  found: Instance,
  master: boolean,
  strict: boolean,
  { report }: Context,
): Pick<UserVirtualRouter, "preempt" | "preemptDelay"> {
  const no = found.nopreempt?.at(-1);
  const delay = found.preempt_delay?.at(-1);
  if (master) {
    for (const given of [no, delay])
      if (given !== undefined)
        report.warning(
          given.statement,
          "keepalived.master-preempts",
          `${given.statement.keyword.text} has no effect beside state MASTER; keepalived clears it, and so does karuntime`,
          "write state BACKUP on all hosts, and let the priorities decide",
        );
    return {};
  }
  if (no !== undefined && found.preempt === undefined) {
    if (delay !== undefined && delay.value > 0)
      report.warning(
        delay.statement,
        "keepalived.no-effect",
        "preempt_delay has no effect beside nopreempt",
      );
    return { preempt: false };
  }
  if (delay === undefined || delay.value === 0) return {};
  if (strict) {
    report.warning(
      delay.statement,
      "keepalived.strict",
      "vrrp_strict allows no preempt_delay; it is left out",
    );
    return {};
  }
  return { preemptDelay: duration(delay.value) };
}

export function intervalOf(
  found: Instance,
  version: 2 | 3,
  { report }: Context,
): UserVirtualRouter["advertInterval"] {
  const given = found.advert_int?.at(-1);
  if (given === undefined) return undefined;
  const rounded =
    version === 2
      ? Math.min(INTERVAL_V2_SECONDS_MAX, Math.max(1, Math.round(given.value / 1000))) * 1000
      : Math.min(INTERVAL_V3_MS_MAX, Math.max(10, Math.round(given.value / 10) * 10));
  if (rounded !== given.value)
    report.warning(
      given.statement,
      "keepalived.rounded",
      `found ${given.value / 1000} s; version ${version} carries ${version === 2 ? "whole seconds" : "hundredths of a second up to 40.95"}, so ${rounded / 1000} s it is`,
      version === 2 ? "version 3 carries hundredths of a second" : undefined,
    );
  return duration(rounded);
}

export function missedOf(
  found: Instance,
  strict: boolean,
  globals: Globals,
  { report }: Context,
): number | undefined {
  const own = found.down_timer_adverts?.at(-1);
  if (!strict) return own?.value ?? globals.downTimerAdverts;
  if (own !== undefined && own.value !== 3)
    report.warning(own.statement, "keepalived.strict", "vrrp_strict has 3 here, nothing else");
  return undefined;
}
