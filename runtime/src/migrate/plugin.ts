/** The TypeScript of a plugin that does what a script does. */
import type { UserService } from "../config/define.ts";
import type { Condition, NotifyStep, Recognition, Step, TextPart } from "./meaning.ts";
import type { ScriptSource } from "./script.ts";
import { comment, writeStub } from "./stub.ts";

export interface WrittenPlugin {
  /** Relative to the folder of the configuration. */
  readonly file: string;
  readonly text: string;
  /** For the person who migrates. */
  readonly purpose: string;
  /** What the configuration has to say about the services that it acts on. */
  readonly services: Readonly<Record<string, UserService>>;
  /** Whom it mails. */
  readonly receivers: readonly string[];
}

const INDENT = "  ";

/** @param name what the configuration calls it; the file is named after it. */
export function writePlugin(
  name: string,
  kind: "check" | "notifier",
  recognition: Recognition,
  source: ScriptSource,
): WrittenPlugin {
  const folder = kind === "check" ? "checks" : "notify";
  const file = `${folder}/${name.replaceAll(/[^\w.-]/g, "_").replace(/^[.-]+/, "") || "plugin"}.ts`;
  const from = source.type === "file" ? source.path : source.argv.join(" ");
  switch (recognition.type) {
    case "check":
      return {
        file,
        text: writeCheck(recognition.steps, from),
        purpose: `does what ${from} does`,
        services: servicesOf(recognition.steps),
        receivers: [],
      };
    case "notifier": {
      const steps = recognition.arms.flatMap((arm) => arm.steps);
      return {
        file,
        text: writeNotifier(recognition, from),
        purpose: `does what ${from} does`,
        services: servicesOf(steps),
        receivers: steps.flatMap((step) => (step.type === "mail" ? [step.receiver] : [])),
      };
    }
    case "unknown":
      return {
        file,
        text: writeStub(kind, source, from),
        purpose: `runs ${from}, which is not understood in full`,
        services: {},
        receivers: [],
      };
  }
}

function writeCheck(steps: readonly Step[], from: string): string {
  const uses = usesOf(steps);
  const names = [...uses.context, "down"].toSorted();
  const body = writeSteps(steps, 2, []);
  const judged = body.some((line) => line.includes("isGood("));
  return [
    `/** Does what ${comment(from)} did. */`,
    'import { defineCheck } from "@karuntime/sdk";',
    ...(uses.requests.size > 0 ? ['import type { CheckContext } from "@karuntime/sdk";'] : []),
    "",
    "export default defineCheck({",
    ...permissions(uses),
    `  async check({ ${names.join(", ")} }) {`,
    ...body,
    "  },",
    "});",
    "",
    ...(uses.requests.size > 0 ? [STATUS_OF] : []),
    ...(judged ? [IS_GOOD] : []),
  ].join("\n");
}

const STATUS_OF = `/** The status of an answer; 0 when there is none. */
async function statusOf(
  fetch: CheckContext["fetch"],
  url: string,
  redirect: "follow" | "manual",
  timeoutMs: number,
): Promise<number> {
  try {
    return (await fetch(url, { redirect, signal: AbortSignal.timeout(timeoutMs) })).status;
  } catch {
    return 0;
  }
}
`;

const IS_GOOD = `
/** Whether there was an answer, and no error in it. */
function isGood(status: number): boolean {
  return status > 0 && status < 400;
}
`;

interface Uses {
  readonly context: ReadonlySet<string>;
  readonly processes: ReadonlySet<string>;
  readonly services: ReadonlyMap<string, ReadonlySet<string>>;
  readonly requests: ReadonlySet<string>;
  readonly mail: boolean;
}

function usesOf(steps: readonly (Step | NotifyStep)[]): Uses {
  const context = new Set<string>();
  const processes = new Set<string>();
  const services = new Map<string, Set<string>>();
  const requests = new Set<string>();
  let mail = false;
  const ask = (condition: Condition): void => {
    if (condition.type === "not") return ask(condition.condition);
    if (condition.type === "no process") {
      context.add("processes");
      processes.add(condition.name);
    } else {
      context.add("fetch");
      requests.add(hostAndPort(condition.request.url));
    }
  };
  const visit = (step: Step | NotifyStep): void => {
    if (step.type === "if") {
      ask(step.condition);
      for (const inner of [...step.consequent, ...step.alternative]) visit(inner);
    } else if (step.type === "service") {
      context.add("services").add("log");
      services.set(step.service, new Set([...(services.get(step.service) ?? []), step.action]));
    } else if (step.type === "log") context.add("log");
    else if (step.type === "mail") {
      context.add("mail");
      mail = true;
    }
  };
  for (const step of steps) visit(step);
  return { context, processes, services, requests, mail };
}

function hostAndPort(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port === "" ? (protocol === "https:" ? 443 : 80) : port}`;
}

function permissions({ processes, services, requests, mail }: Uses): string[] {
  const parts = [
    ...(processes.size > 0 ? [`processes: ${JSON.stringify([...processes])}`] : []),
    ...(services.size > 0
      ? [
          `services: { ${[...services].map(([name, actions]) => `${key(name)}: ${JSON.stringify([...actions])}`).join(", ")} }`,
        ]
      : []),
    ...(requests.size > 0 ? [`net: ${JSON.stringify([...requests])}`] : []),
    ...(mail ? ["mail: true"] : []),
  ];
  return parts.length === 0 ? [] : [`  permissions: { ${parts.join(", ")} },`];
}

function key(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

/** @param asked the conditions around, the innermost last. */
function writeSteps(steps: readonly Step[], depth: number, asked: readonly Condition[]): string[] {
  const indent = INDENT.repeat(depth);
  return steps.flatMap((step): string[] => {
    switch (step.type) {
      case "if": {
        const consequent = writeSteps(step.consequent, depth + 1, [...asked, step.condition]);
        const otherwise = writeSteps(step.alternative, depth + 1, [
          ...asked,
          negation(step.condition),
        ]);
        if (consequent.length === 0 && otherwise.length === 0) return [];
        if (consequent.length === 0)
          return [
            `${indent}if (${expression(negation(step.condition))}) {`,
            ...otherwise,
            `${indent}}`,
          ];
        const end =
          otherwise.length === 0
            ? [`${indent}}`]
            : [`${indent}} else {`, ...otherwise, `${indent}}`];
        return [`${indent}if (${expression(step.condition)}) {`, ...consequent, ...end];
      }
      case "service":
        return serviceLines(step, indent);
      case "wait":
        return [
          `${indent}await new Promise<void>((resolve) => setTimeout(resolve, ${step.seconds * 1000}));`,
        ];
      case "log":
        return [`${indent}log.warn(${JSON.stringify(step.text)});`];
      case "down":
        return [`${indent}return down(${JSON.stringify(reasonOf(asked))});`];
      case "up":
        return [`${indent}return;`];
    }
  });
}

function serviceLines(
  { service, action }: Extract<Step, { readonly type: "service" }>,
  indent: string,
): string[] {
  return [
    `${indent}await services.${action}(${JSON.stringify(service)}).catch((error: unknown) => log.warn(String(error)));`,
  ];
}

function negation(condition: Condition): Condition {
  return condition.type === "not" ? condition.condition : { type: "not", condition };
}

function expression(condition: Condition, negated = false): string {
  switch (condition.type) {
    case "not":
      return expression(condition.condition, !negated);
    case "no process":
      return `(await processes.count(${JSON.stringify(condition.name)})) ${negated ? ">" : "==="} 0`;
    case "not status": {
      const { url, timeoutMs, follow } = condition.request;
      const status = `await statusOf(fetch, ${JSON.stringify(url)}, ${follow ? '"follow"' : '"manual"'}, ${timeoutMs})`;
      if (condition.status !== undefined)
        return `(${status}) ${negated ? "===" : "!=="} ${condition.status}`;
      return `${negated ? "" : "!"}isGood(${status})`;
    }
  }
}

/** What is wrong when these conditions hold. */
function reasonOf(asked: readonly Condition[]): string {
  const last = asked.at(-1);
  if (last === undefined) return "the script says so";
  const again = asked
    .slice(0, -1)
    .some((condition) => JSON.stringify(condition) === JSON.stringify(last));
  return `${describe(last)}${again ? " and could not be started" : ""}`;
}

function describe(condition: Condition): string {
  switch (condition.type) {
    case "not":
      return `not so: ${describe(condition.condition)}`;
    case "no process":
      return `${condition.name} does not run`;
    case "not status":
      return `${condition.request.url} does not answer ${condition.status ?? "well"}`;
  }
}

const EVENTS: readonly string[] = ["master", "backup", "fault", "stop"];

function writeNotifier(
  { arms }: Extract<Recognition, { readonly type: "notifier" }>,
  from: string,
): string {
  const uses = usesOf(arms.flatMap((arm) => arm.steps));
  const parts = arms
    .flatMap((arm) => arm.steps)
    .flatMap((step) => (step.type === "mail" ? [...step.subject, ...step.body] : []));
  const fields = [
    ...(arms.some((arm) => arm.words.length > 0) ? ["event"] : []),
    ...(parts.some(({ type }) => type === "name") ? ["subject"] : []),
    ...(parts.some(({ type }) => type === "state" || type === "STATE") ? ["state"] : []),
    ...(parts.some(({ type }) => type === "host") ? ["routerName"] : []),
    ...(parts.some(({ type }) => type === "time") ? ["at"] : []),
  ];
  const context = [...uses.context].toSorted().join(", ");
  const body = arms.flatMap(({ words, steps }) => {
    const events = words.map((word) => word.toLowerCase()).filter((word) => EVENTS.includes(word));
    if (words.length === 0) return writeNotifySteps(steps, 2);
    const asked = events.map((event) => `event === ${JSON.stringify(event)}`).join(" || ");
    return [`    if (${asked}) {`, ...writeNotifySteps(steps, 3), "    }"];
  });
  return [
    `/** Does what ${comment(from)} did. */`,
    'import { defineNotifier } from "@karuntime/sdk";',
    "",
    "export default defineNotifier({",
    ...permissions(uses),
    ...notifyHead(fields, context),
    ...body,
    "  },",
    "});",
    "",
  ].join("\n");
}

/** Only events of virtual routers and sync groups have a state: the script was told of these alone. */
function notifyHead(fields: readonly string[], context: string): string[] {
  const taken = `{ ${fields.join(", ")} }`;
  if (!fields.includes("state"))
    return [`  async notify(${fields.length === 0 ? "_event" : taken}, { ${context} }) {`];
  return [
    `  async notify(told, { ${context} }) {`,
    '    if (!("state" in told)) return;',
    `    const ${taken} = told;`,
  ];
}

function writeNotifySteps(steps: readonly NotifyStep[], depth: number): string[] {
  const indent = INDENT.repeat(depth);
  return steps.flatMap((step): string[] => {
    switch (step.type) {
      case "mail":
        return [
          `${indent}await mail({`,
          `${indent}  subject: ${template(step.subject)},`,
          `${indent}  text: ${template(step.body)},`,
          `${indent}});`,
        ];
      case "service":
        return serviceLines(step, indent);
      case "log":
        return [`${indent}log.info(${JSON.stringify(step.text)});`];
    }
  });
}

const FIELDS: Readonly<Record<Exclude<TextPart["type"], "text">, string>> = {
  name: "subject.name",
  state: "state",
  STATE: "state.toUpperCase()",
  host: "routerName",
  time: "at",
};

function template(parts: readonly TextPart[]): string {
  const text = parts
    .map((part) =>
      part.type === "text"
        ? part.text.replaceAll(/[`\\]|\$(?=\{)/g, String.raw`\$&`)
        : `\${${FIELDS[part.type]}}`,
    )
    .join("");
  return parts.every(({ type }) => type === "text") ? JSON.stringify(text) : `\`${text}\``;
}

function servicesOf(steps: readonly (Step | NotifyStep)[]): Record<string, UserService> {
  const services: Record<string, UserService> = {};
  for (const step of steps) {
    const inner = step.type === "if" ? servicesOf([...step.consequent, ...step.alternative]) : {};
    for (const [name, service] of Object.entries(inner))
      services[name] = { ...services[name], ...service };
    if (step.type === "service" && step.command !== undefined)
      services[step.service] = { ...services[step.service], [step.action]: step.command };
  }
  return services;
}
