/** Requests that scripts make with curl and wget. */
import { wordsOf } from "./counting.ts";
import type { Request } from "./meaning.ts";
import type { SimpleCommand } from "./shell.ts";
import { substitution } from "./shell.ts";

const TIMEOUT_MS = 5000;

interface Asked extends Request {
  /** Whether a status of 400 or more is a failure of the command. */
  readonly fails: boolean;
  /** Whether it prints the status, and nothing else. */
  readonly printsStatus: boolean;
}

/** The request whose status a word is, as in `$(curl -s -o /dev/null -w %{http_code} URL)`. */
export function httpStatusOf(word: string): Request | undefined {
  const [node, ...others] = substitution(word) ?? [];
  if (node?.type !== "command" || others.length > 0) return undefined;
  const request = requestOf(node);
  if (request?.printsStatus !== true) return undefined;
  const { url, timeoutMs, follow } = request;
  return { url, timeoutMs, follow };
}

/** What a command requests; undefined when it has an option that is not understood. */
export function requestOf(node: SimpleCommand): Asked | undefined {
  const [file, ...rest] = node.words.map((word) => word.replace(/^(["'])(.*)\1$/s, "$2"));
  if (file === "wget") return wget(wordsOf(node));
  if (file !== "curl" || rest.some((word) => word.includes("$"))) return undefined;
  return curl(rest);
}

function curl(words: readonly string[]): Asked | undefined {
  let url: string | undefined;
  let timeoutMs = TIMEOUT_MS;
  let fails = false;
  let follow = false;
  let format: string | undefined;
  let silentBody = false;
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    const parameter = (): string => words[++index] ?? "";
    if (["-s", "--silent", "-S", "-sS"].includes(word)) continue;
    if (["-L", "-sL", "--location"].includes(word)) follow = true;
    else if (["-f", "--fail", "-sf", "-fs", "-fsS", "-sSf"].includes(word)) fails = true;
    else if (["-o", "--output", "-so"].includes(word)) silentBody = parameter() === "/dev/null";
    else if (["-w", "--write-out"].includes(word))
      format = parameter()
        .replaceAll(String.raw`\\n`, "")
        .replaceAll(String.raw`\n`, "");
    else if (["-m", "--max-time", "--connect-timeout"].includes(word)) {
      const seconds = Number(parameter());
      if (!(seconds > 0)) return undefined;
      timeoutMs = seconds * 1000;
    } else if (/^https?:\/\/[\w.:[\]/-]+(?:\?[\w=&.%-]*)?$/.test(word) && url === undefined)
      url = word;
    else return undefined;
  }
  if (url === undefined) return undefined;
  return { url, timeoutMs, follow, fails, printsStatus: silentBody && format === "%{http_code}" };
}

function wget(words: readonly string[] | undefined): Asked | undefined {
  const [, ...rest] = words ?? [];
  const url = rest.pop();
  const known = ["-q", "--spider", "-O", "/dev/null", "--quiet"];
  if (url === undefined || !/^https?:\/\/[\w.:[\]/-]+$/.test(url)) return undefined;
  if (!rest.every((word) => known.includes(word) || /^(?:-T|--timeout=|-t)\d*$/.test(word)))
    return undefined;
  return { url, timeoutMs: TIMEOUT_MS, follow: true, fails: true, printsStatus: false };
}
