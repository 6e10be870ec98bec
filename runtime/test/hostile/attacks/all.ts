/** Every attack, by its family. */
import type { Attack } from "../attack.ts";
import { calls } from "./calls.ts";
import { commands } from "./commands.ts";
import { escape } from "./escape.ts";
import { files } from "./files.ts";
import { language } from "./language.ts";
import { logs } from "./logs.ts";
import { loops } from "./loops.ts";
import { memory } from "./memory.ts";
import { native } from "./native.ts";
import { network } from "./network.ts";
import { protocol } from "./protocol.ts";
import { prototypes } from "./prototypes.ts";
import { results } from "./results.ts";
import { topLevel } from "./top-level.ts";

export const families: Readonly<Record<string, readonly Attack[]>> = {
  loops,
  memory,
  native,
  escape,
  prototypes,
  network,
  files,
  commands,
  results,
  logs,
  protocol,
  language,
  calls,
  "top level": topLevel,
};
