/** Commands that start, stop and restart services. */
import type { Step } from "./meaning.ts";

type ServiceStep = Extract<Step, { readonly type: "service" }>;

const ACTIONS = ["start", "stop", "restart"] as const;
const UNIT = /^[\w@.-]+$/;

/** What a command does to a service, or undefined. */
export function serviceStep(words: readonly string[]): ServiceStep | undefined {
  const [file = "", first = "", second = ""] = words;
  const base = file.replace(/^.*\//, "");
  if (base === "systemctl" && words.length === 3) return step(second, first, undefined);
  if (base === "service" && words.length === 3) return step(first, second, words);
  const init = /^\/etc\/(?:rc\.d\/)?init\.d\/([\w@.-]+)$/.exec(file)?.[1];
  if (init !== undefined && words.length === 2) return step(init, first, words);
  // A daemon's own program: without words it starts, nginx -s ... tells the one that runs.
  if (/^(?:\/[\w.-]+)*\/?nginx$/.test(file)) {
    if (words.length === 1) return step("nginx", "start", words);
    if (words.length === 3 && first === "-s" && ["stop", "quit"].includes(second))
      return step("nginx", "stop", words);
  }
  return undefined;
}

function step(
  unit: string,
  action: string,
  command: readonly string[] | undefined,
): ServiceStep | undefined {
  const service = unit.replace(/\.service$/, "");
  const known = ACTIONS.find((name) => name === action);
  if (known === undefined || !UNIT.test(service) || service === "keepalived") return undefined;
  const absolute = command?.[0]?.startsWith("/") === true ? command : undefined;
  return { type: "service", service, action: known, command: absolute };
}
