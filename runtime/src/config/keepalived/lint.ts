/** What is allowed, works as written, and surely is not what was meant. */
import type { UserCheck, UserConfiguration } from "../define.ts";
import type { CommandLine } from "./command.ts";
import type { Context } from "./context.ts";
import type { Found } from "./keyword.ts";
import type { Root } from "./read.ts";
import { stopIn } from "./stopping.ts";

const OWNER = 255;
const PRIORITY_MAX = 254;

export function lint(root: Root, value: UserConfiguration, context: Context): void {
  const commands = commandsIn(root);
  for (const found of commands) stopping(found, context);
  scriptSecurity(commands, value, context);
  weights(root, value, context);
  mirrored(root, context);
  laterScripts(root, context);
}

/** Every command that the configuration names. */
function commandsIn(root: Root): Found<CommandLine>[] {
  const scripts = (root.vrrp_script ?? []).flatMap(({ value }) => value.block.script ?? []);
  const owners = [
    ...(root.vrrp_instance ?? []).map(({ value }) => value.block),
    ...(root.vrrp_sync_group ?? []).map(({ value }) => value.block),
  ];
  const notified = owners.flatMap((block) => [
    ...(block.notify_master ?? []),
    ...(block.notify_backup ?? []),
    ...(block.notify_fault ?? []),
    ...(block.notify_stop ?? []),
    ...(block.notify ?? []),
  ]);
  return [...scripts, ...notified];
}

/** A script that stops keepalived to say that it is unhealthy. */
function stopping({ value, statement }: Found<CommandLine>, { report, host }: Context): void {
  const stop = stopIn(value, host);
  if (stop === undefined) return;
  report.warning(
    statement.parameters[0] ?? statement,
    "keepalived.stops-keepalived",
    `${stop.where} has ${JSON.stringify(stop.found)}: it stops keepalived to say that this host is unhealthy`,
    statement.keyword.text === "script"
      ? "karuntime keeps it from that and takes it for a failure, which means FAULT; exit 1 says the same, and karuntime migrate writes such a check"
      : "a notification cannot do so here: a check can be down, which means FAULT",
  );
}

/** Scripts that run as root although somebody else can change them. */
function scriptSecurity(
  commands: readonly Found<CommandLine>[],
  { commands: settings }: UserConfiguration,
  { report, host }: Context,
): void {
  const secure = settings?.secure === true;
  const usual =
    settings?.user ?? (host.hasUser("keepalived_script") ? "keepalived_script" : "root");
  for (const { value, statement } of commands) {
    const user = (value.user ?? usual).split(":")[0];
    const path = host.findCommand(value.argv[0])?.path;
    const why = user === "root" && path !== undefined ? host.unsafePath(path) : undefined;
    if (why !== undefined)
      report[secure ? "error" : "warning"](
        statement.parameters[0] ?? statement,
        "keepalived.script-security",
        secure
          ? `enable_script_security: ${path ?? ""} is not run as root, because ${why}`
          : `${path ?? ""} runs as root, and ${why}`,
        "have it owned by root and writable for root only, or run it as another user",
      );
  }
}

/** Weights that change no priority. */
function weights(
  root: Root,
  { virtualRouters, checks }: UserConfiguration,
  { report }: Context,
): void {
  for (const { value } of root.vrrp_instance ?? []) {
    const name = value.parameters[0]?.text ?? "";
    const router = Object.hasOwn(virtualRouters, name) ? virtualRouters[name] : undefined;
    if (router === undefined) continue;
    for (const line of (value.block.track_script ?? []).flatMap((found) => found.value)) {
      const check = checks?.[line.keyword.text];
      const weight = weightIn(line.parameters.map((word) => word.text)) ?? check?.weight ?? 0;
      const why = withoutEffect(router.priority ?? 100, weight, check);
      if (why !== undefined)
        report.warning(
          line,
          "keepalived.weight",
          `the weight ${weight} of ${line.keyword.text} can never change who is master: ${why}`,
        );
    }
  }
}

function weightIn(words: readonly string[]): number | undefined {
  const [keyword, number] = words;
  return keyword === "weight" && number !== undefined ? Number(number) : undefined;
}

function withoutEffect(
  priority: number,
  weight: number,
  check: UserCheck | undefined,
): string | undefined {
  if (check === undefined) return undefined;
  if (priority === OWNER && weight !== 0)
    return "the priority 255 of the owner never changes; give it a priority below 255";
  if (weight > 0 && priority === PRIORITY_MAX) return "the priority 254 cannot rise";
  if (weight < 0 && priority === 1) return "the priority 1 cannot fall";
  return undefined;
}

/** Two instances that back each other up: the other host has the mirror image. */
function mirrored(root: Root, { report }: Context): void {
  const instances = (root.vrrp_instance ?? []).map(({ value, statement }) => ({
    name: value.parameters[0]?.text ?? "",
    state: value.block.state?.at(-1)?.value.text,
    priority: value.block.priority?.at(-1),
    statement,
  }));
  const master = instances.find(({ state }) => state === "MASTER");
  for (const { name, state, priority } of instances)
    if (
      state === "BACKUP" &&
      priority !== undefined &&
      master?.priority !== undefined &&
      priority.value === master.priority.value
    )
      report.warning(
        priority.statement,
        "keepalived.equal-priorities",
        `${name} is BACKUP with the priority ${priority.value}, the same as ${master.name} which is MASTER: if the other host has the mirror image, both have equal priorities, and the state words decide nothing`,
        "give the BACKUP a lower priority, such as 90",
      );
}

/** keepalived 2.2 knows a script only after its definition. */
function laterScripts(root: Root, { report }: Context): void {
  const defined = new Map(
    (root.vrrp_script ?? []).map(({ value, statement }) => [
      value.parameters[0]?.text ?? "",
      statement.keyword.line,
    ]),
  );
  for (const { value } of root.vrrp_instance ?? [])
    for (const line of (value.block.track_script ?? []).flatMap((found) => found.value)) {
      const definition = defined.get(line.keyword.text);
      const use = line.keyword.line;
      if (
        definition !== undefined &&
        definition.file === use.file &&
        definition.number > use.number
      )
        report.warning(
          line,
          "keepalived.later-definition",
          `${line.keyword.text} is defined after its use, at line ${definition.number}; keepalived 2.2 leaves such a check out, karuntime runs it`,
        );
    }
}
