/** What can be tracked: `vrrp_script`, `track_file`, `vrrp_track_process`. */
import type { UserCheck, UserFile, UserProcess } from "../define.ts";
import type { CommandLine } from "./command.ts";
import { checkUser, command, pluginOf, userCommand, userOf } from "./command.ts";
import type { Context } from "./context.ts";
import { duration, present, upToAnHour } from "./context.ts";
import type { Block, Found, Grammar, Keyword, Section } from "./keyword.ts";
import {
  block,
  custom,
  flag,
  integer,
  last,
  oneOf,
  required,
  seconds,
  text,
  unsupported,
} from "./keyword.ts";
import { markKeys } from "./marks.ts";
import { stopIn } from "./stopping.ts";
import type { Weight } from "./weight.ts";
import { narrow, weight, WEIGHT_MAX, WIDE_WEIGHT_MAX } from "./weight.ts";

const SCRIPT_SECONDS_MAX = 4294;
const COUNT_MAX = 1_000_000;
const CHECK_MS_MIN = 10;

const named = (expected: string) => ({ expected, minimum: 1, maximum: 1 });

const pluginBlock: Keyword<{ readonly plugin: string; readonly options: Record<string, unknown> }> =
  {
    body: "lines",
    bodyOptional: true,
    repeats: false,
    read(statement, report) {
      const file = required(statement, 0, "the plugin's file or package, in quotes", report);
      if (file === undefined) return undefined;
      const options: Record<string, unknown> = {};
      for (const { keyword, parameters } of statement.statements ?? [])
        options[keyword.text] = optionValue(parameters.map((word) => word.text).join(" "));
      return { plugin: file.text, options };
    },
  };

/** A number, true, false, or a text. */
function optionValue(words: string): unknown {
  if (words === "true" || words === "") return true;
  if (words === "false") return false;
  return /^-?\d+(?:\.\d+)?$/.test(words) ? Number(words) : words;
}

const scriptGrammar = {
  script: command(),
  plugin: pluginBlock,
  interval: seconds(0, SCRIPT_SECONDS_MAX),
  timeout: seconds(0, SCRIPT_SECONDS_MAX),
  weight: weight(WEIGHT_MAX),
  rise: integer(1, COUNT_MAX),
  fall: integer(1, COUNT_MAX),
  user: custom((statement, report) =>
    required(statement, 0, "a user", report) === undefined ? undefined : userOf(statement),
  ),
  init_fail: flag(),
} as const satisfies Grammar;

const fileGrammar = {
  file: text("the path of a file with a number"),
  weight: weight(WIDE_WEIGHT_MAX),
  init_file: custom((statement, report) => {
    const value = statement.parameters.find((word) => word.text !== "overwrite");
    if (value === undefined || Number(value.text) === 0)
      report.warning(
        statement,
        "keepalived.no-effect",
        "init_file has no effect: a file that does not exist counts as 0",
      );
    else
      report.error(
        value,
        "keepalived.unsupported",
        `init_file with the value ${value.text} is not supported: a file that does not exist counts as 0; have it written before karuntime starts`,
      );
    return undefined;
  }),
} as const satisfies Grammar;

const processGrammar = {
  process: command(),
  param_match: oneOf(["initial", "partial", "exact"]),
  weight: weight(WIDE_WEIGHT_MAX),
  quorum: integer(1, 65_535),
  quorum_max: integer(0, 65_535),
  delay: seconds(0, 3600),
  fork_delay: seconds(0, 3600),
  terminate_delay: seconds(0, 3600),
  full_command: flag(),
} as const satisfies Grammar;

const bfdGrammar = unsupported(
  "there is no BFD yet; the virtual routers that track it would run unwatched",
  "block",
);

/** The root keywords of this part. */
export const trackGrammar = {
  vrrp_script: { ...block(scriptGrammar, named("the script's name")), repeats: true },
  track_file: { ...block(fileGrammar, named("the file's name")), repeats: true },
  vrrp_track_file: { ...block(fileGrammar, named("the file's name")), repeats: true },
  vrrp_track_process: { ...block(processGrammar, named("the process's name")), repeats: true },
  bfd_instance: bfdGrammar,
} as const satisfies Grammar;

export interface Tracked {
  readonly checks: Readonly<Record<string, UserCheck>>;
  readonly files: Readonly<Record<string, UserFile>>;
  readonly processes: Readonly<Record<string, UserProcess>>;
}

/** The definitions of everything that can be tracked. */
export function trackedOf(
  root: Block<typeof trackGrammar>,
  inUse: ReadonlySet<string>,
  context: Context,
): Tracked {
  const scripts = (root.vrrp_script ?? []).filter(({ value, statement }) => {
    const name = value.parameters[0]?.text ?? "";
    if (inUse.has(name)) return true;
    context.report.warning(
      statement,
      "keepalived.not-tracked",
      `no track_script names ${name}, so it is never run`,
    );
    return false;
  });
  const files = [...(root.track_file ?? []), ...(root.vrrp_track_file ?? [])];
  return {
    checks: define("checks", scripts, checkOf, context),
    files: define("files", files, fileOf, context),
    processes: define("processes", root.vrrp_track_process, processOf, context),
  };
}

/** Each definition by its name; a name that is given twice counts the first time, as in keepalived. */
export function define<G extends Grammar, T>(
  kind: string,
  sections: readonly Found<Section<G>>[] | undefined,
  translate: (block: Block<G>, found: Found<Section<G>>, context: Context) => T | undefined,
  context: Context,
): Record<string, T> {
  const defined: Record<string, T> = {};
  for (const found of sections ?? []) {
    const [word] = found.value.parameters;
    if (word === undefined) continue;
    const { text: name } = word;
    if (Object.hasOwn(defined, name)) {
      context.report.error(
        word,
        "keepalived.repeated-name",
        `found ${found.statement.keyword.text} ${name} again; the first one counts`,
      );
      continue;
    }
    context.mark([kind, name], found.statement);
    const value = translate(found.value.block, found, context);
    if (value !== undefined) defined[name] = value;
  }
  return defined;
}

function checkOf(
  found: Block<typeof scriptGrammar>,
  { statement, value }: Found<Section<typeof scriptGrammar>>,
  context: Context,
): UserCheck | undefined {
  const { report } = context;
  const line = last(found.script);
  const plugin = last(found.plugin);
  if (line === undefined && plugin === undefined) {
    if (found.script === undefined)
      report.error(
        statement,
        "keepalived.no-script",
        `vrrp_script ${value.parameters[0]?.text ?? ""} has no script, expected one`,
      );
    return undefined;
  }
  const target =
    line === undefined
      ? plugin
      : pluginOf(line) === undefined
        ? userCommand(line, true, context)
        : { plugin: pluginOf(line) ?? "" };
  if (target === undefined) return undefined;
  const user = last(found.user);
  const weighed = weightOf(found, line, context);
  const asked = found.user?.at(-1);
  if (asked !== undefined) checkUser(asked.value, asked.statement, true, context);
  markKeys(context, ["checks", value.parameters[0]?.text ?? ""], found, {
    script: "command" in target ? "command" : "plugin",
    plugin: "plugin",
    interval: "interval",
    timeout: "timeout",
    rise: "rise",
    fall: "fall",
    weight: "weight",
    user: "user",
  });
  return {
    ...target,
    ...("command" in target && user !== undefined ? { user } : {}),
    ...timing(found, context),
    ...present({
      rise: last(found.rise),
      fall: last(found.fall),
      weight: weighed?.weight,
      reverse: weighed?.reverse === true ? true : undefined,
      initialState: found.init_fail === undefined ? undefined : ("down" as const),
    }),
  };
}

/** A script that stops keepalived takes this host out, whatever its weight: that is FAULT, the weight 0. */
function weightOf(
  found: Block<typeof scriptGrammar>,
  line: CommandLine | undefined,
  { report, host }: Context,
): Weight | undefined {
  const weighed = found.weight?.at(-1);
  if (weighed === undefined || line === undefined || stopIn(line, host) === undefined)
    return weighed?.value;
  if (weighed.value.weight !== 0)
    report.warning(
      weighed.statement,
      "keepalived.weight",
      `the weight ${weighed.value.weight} does not count: a script that stops keepalived takes this host out altogether, so its failure means FAULT`,
    );
  return undefined;
}

function timing(
  found: Block<typeof scriptGrammar>,
  context: Context,
): Pick<UserCheck, "interval" | "timeout"> {
  const interval = found.interval?.at(-1);
  const timeout = found.timeout?.at(-1);
  if (interval?.value === 0)
    context.report.error(
      interval.statement,
      "keepalived.value",
      "found the interval 0; keepalived takes 1 s",
    );
  if (timeout?.value === 0)
    context.report.warning(
      timeout.statement,
      "keepalived.value",
      "found the timeout 0, which means the interval",
    );
  return present({
    interval:
      interval === undefined || interval.value === 0
        ? undefined
        : upToAnHour(interval.value, interval.statement, context.report, CHECK_MS_MIN),
    timeout:
      timeout === undefined || timeout.value === 0
        ? undefined
        : upToAnHour(timeout.value, timeout.statement, context.report, CHECK_MS_MIN),
  });
}

function fileOf(
  found: Block<typeof fileGrammar>,
  { statement, value }: Found<Section<typeof fileGrammar>>,
  { report }: Context,
): UserFile | undefined {
  const file = last(found.file);
  if (file === undefined) {
    report.error(
      statement,
      "keepalived.no-file",
      `track_file ${value.parameters[0]?.text ?? ""} has no file, expected one`,
    );
    return undefined;
  }
  if (!file.text.startsWith("/")) {
    report.error(file, "keepalived.value", `found ${file.text}, expected an absolute path`);
    return undefined;
  }
  const weighed = last(found.weight);
  return {
    path: file.text,
    ...present({
      weight: weighed?.weight,
      reverse: weighed?.reverse === true ? true : undefined,
    }),
  };
}

function processOf(
  found: Block<typeof processGrammar>,
  { statement, value }: Found<Section<typeof processGrammar>>,
  { report }: Context,
): UserProcess | undefined {
  const line = last(found.process);
  if (line === undefined) {
    report.error(
      statement,
      "keepalived.no-process",
      `vrrp_track_process ${value.parameters[0]?.text ?? ""} has no process, expected one`,
    );
    return undefined;
  }
  const [name, ...parameters] = line.argv;
  const match = last(found.param_match);
  const both = last(found.delay);
  const rise = last(found.fork_delay) ?? both;
  const fall = last(found.terminate_delay) ?? both;
  const weighed = found.weight?.at(-1);
  return {
    name,
    ...(parameters.length > 0 ? { arguments: parameters } : {}),
    ...present({
      match,
      fullCommand: found.full_command === undefined ? undefined : true,
      quorum: last(found.quorum),
      quorumMax: last(found.quorum_max),
      riseDelay: rise === undefined ? undefined : duration(rise),
      fallDelay: fall === undefined ? undefined : duration(fall),
      weight:
        weighed === undefined ? undefined : narrow(weighed.value.weight, weighed.statement, report),
      reverse: weighed?.value.reverse === true ? true : undefined,
    }),
  };
}
