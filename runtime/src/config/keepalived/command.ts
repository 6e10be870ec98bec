/**
 * The command of a script: `script "/path/check.sh -a 'b c'" user group`. The quoted text is split into words once
 * more; it is executed, not given to a shell.
 */
import type { UserCommand } from "../define.ts";
import type { Context } from "./context.ts";
import { hasCurlyQuotes } from "./context.ts";
import type { Keyword, Report, Statement } from "./keyword.ts";
import { custom, endOf } from "./keyword.ts";
import { placeIn } from "./line.ts";
import { quotedWordsOf } from "./word.ts";

/** What the words after `script` or `notify` say. */
export interface CommandLine {
  readonly argv: readonly [string, ...string[]];
  readonly user: string | undefined;
  readonly statement: Statement;
}

/** Words that only a shell understands. */
const SHELL_OPERATOR = /(?:^|\s)(?:&&|\|\||\||;|&|\d?>{1,2}(?:&\d)?\S*|<\S*)(?=\s|$)|;\s|\$\(|`/;
const PLUGIN = "plugin:";

/** A command, and perhaps the user and the group that run it. */
export function command(): Keyword<CommandLine> {
  return custom(readCommand);
}

function readCommand(statement: Statement, report: Report): CommandLine | undefined {
  const { keyword } = statement;
  const { line } = keyword;
  const start = keyword.index + keyword.text.length;
  const raw = straightened(line.text.slice(start), statement, report);
  const complain = (message: string, index = 0): undefined =>
    void report.error(placeIn(line, start + index), "keepalived.command", message);
  const [command, user, group, ...rest] =
    quotedWordsOf(raw, false, (index, message) => complain(message, index)) ?? [];
  if (command === undefined) {
    report.error(
      endOf(statement),
      "keepalived.missing-parameter",
      `${keyword.text}: found no command, expected the path of a script, in quotes when arguments follow it`,
    );
    return undefined;
  }
  const argv = quotedWordsOf(command, true, (_index, message) => complain(message));
  const [file, ...parameters] = argv ?? [];
  if (file === undefined) return undefined;
  const spelt = spellUser(user, group);
  if (rest.length > 0 || user?.startsWith("-") === true || user?.startsWith("/") === true) {
    report.error(
      statement.parameters[1] ?? statement,
      "keepalived.command",
      `found ${JSON.stringify(user)} after the command, where keepalived expects a user and a group`,
      `with arguments the whole command must be in quotes: ${keyword.text} "${line.text.slice(start).trim()}"`,
    );
    return { argv: [file, ...parameters], user: undefined, statement };
  }
  const unquoted = command.replaceAll(/'[^']*'|"[^"]*"/g, "''");
  if (!file.startsWith(PLUGIN) && SHELL_OPERATOR.test(unquoted)) {
    report.warning(
      statement.parameters[0] ?? statement,
      "keepalived.shell",
      "found what only a shell understands; keepalived 2 hands it to the program as arguments, karuntime has /bin/sh run the line",
      "a plugin needs no shell; or write it as a script of its own",
    );
    return { argv: ["/bin/sh", "-c", command], user: spelt, statement };
  }
  return { argv: [file, ...parameters], user: spelt, statement };
}

/** Curly quotes as they were meant. */
function straightened(text: string, statement: Statement, report: Report): string {
  if (!hasCurlyQuotes(text)) return text;
  report.warning(
    statement.parameters[0] ?? statement,
    "keepalived.curly-quotes",
    "found curly quotes, as web pages make them; keepalived takes them for letters of the file's name, karuntime takes them for \"",
    'write " instead',
  );
  return text.replaceAll(/[\u201C-\u201F]/g, '"').replaceAll(/[\u2018-\u201B]/g, "'");
}

/** "user", or "user:group"; a colon before the group asks for supplementary groups, which commands here never have. */
function spellUser(user: string | undefined, group: string | undefined): string | undefined {
  if (user === undefined) return undefined;
  const named = group?.replace(/^:/, "");
  return named === undefined || named === "" ? user : `${user}:${named}`;
}

/** The user and the group of `script_user` or `user`. */
export function userOf(statement: Statement): string | undefined {
  const [user, group] = statement.parameters;
  return spellUser(user?.text, group?.text);
}

/**
 * Reports a user or a group that this host does not have.
 *
 * @param user as `spellUser` spells it.
 * @param needed whether that is an error.
 */
export function checkUser(
  user: string | undefined,
  statement: Statement,
  needed: boolean,
  { report, host }: Context,
): void {
  if (user === undefined) return;
  const [name = "", group] = user.split(":");
  if (!host.hasUser(name))
    report[needed ? "error" : "warning"](
      statement,
      "keepalived.no-user",
      `there is no user ${JSON.stringify(name)}`,
    );
  else if (group !== undefined && !host.hasGroup(group))
    report[needed ? "error" : "warning"](
      statement,
      "keepalived.no-user",
      `there is no group ${JSON.stringify(group)}`,
    );
}

/** A plugin in the place of a script: `script "plugin:./checks/nginx.ts"`. */
export function pluginOf({ argv }: CommandLine): string | undefined {
  const [file, ...rest] = argv;
  if (!file.startsWith(PLUGIN)) return undefined;
  return [file.slice(PLUGIN.length), ...rest].join(" ");
}

/**
 * The command as a configuration has it; what cannot run is reported.
 *
 * @param needed whether a command that cannot run is an error: a check would never be up.
 */
export function userCommand(line: CommandLine, needed: boolean, context: Context): UserCommand {
  const { argv, user, statement } = line;
  const [file, ...parameters] = argv;
  const at = statement.parameters[0] ?? statement;
  const found = context.host.findCommand(file);
  checkUser(user, statement, needed, context);
  if (found === undefined || !found.executable)
    context.report[needed ? "error" : "warning"](
      at,
      found === undefined ? "keepalived.script-missing" : "keepalived.script-not-executable",
      found === undefined
        ? `there is no ${file} on this host; keepalived leaves ${statement.keyword.text} out, karuntime does not`
        : `${found.path} is not executable`,
      found === undefined ? undefined : `chmod +x ${found.path}`,
    );
  return {
    command: [found?.executable === true ? found.path : file, ...parameters],
    ...(user === undefined ? {} : { user }),
  };
}
