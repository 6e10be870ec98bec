/** Commands that stop keepalived. */
import { stopsKeepalived } from "../stops-keepalived.ts";
import type { CommandLine } from "./command.ts";
import type { HostFacts } from "./host.ts";

export interface Stop {
  /** "this command", or the script's path and line. */
  readonly where: string;
  /** The words that do it. */
  readonly found: string;
}

/** Whether a command, or the script that it names, stops keepalived. */
export function stopIn({ argv }: CommandLine, host: HostFacts): Stop | undefined {
  const inline = stopsKeepalived(argv.join(" "));
  if (inline !== undefined) return { where: "this command", found: inline.found };
  const path = host.findCommand(argv[0])?.path;
  const text = path === undefined ? undefined : host.readScript(path);
  const inside = text === undefined ? undefined : stopsKeepalived(text);
  return inside === undefined
    ? undefined
    : { where: `${path ?? ""} line ${inside.line}`, found: inside.found };
}
