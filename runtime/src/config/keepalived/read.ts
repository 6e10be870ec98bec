/**
 * keepalived.conf as a configuration of ours: text in, what a `karuntime.config.ts` would export out, with everything
 * that is wrong or surprising in it, and the place of every value.
 */
import type { UserConfiguration, UserSyncGroup, UserVirtualRouter } from "../define.ts";
import type { Diagnostic } from "../diagnostic.ts";
import type { Context } from "./context.ts";
import { globalRoot, globalsOf, linesIn } from "./global.ts";
import type { HostFacts } from "./host.ts";
import type { Block, Grammar, Report } from "./keyword.ts";
import { lines, placeFor, readBlock } from "./keyword.ts";
import type { Line, Place } from "./line.ts";
import { placeIn } from "./line.ts";
import { interfaceDelays, withDelays } from "./interface-delays.ts";
import { lint } from "./lint.ts";
import { preprocess } from "./preprocess.ts";
import { staticOf } from "./static.ts";
import { OWNER_PRIORITY } from "../../vrrp/priority.ts";
import { syncGroup, syncGroupsOf, unweigh } from "./sync-group.ts";
import { parseStatements } from "./syntax.ts";
import { define, trackGrammar, trackedOf } from "./track.ts";

import { virtualServerRoot, virtualServersOf } from "./virtual-server.ts";
import { instance, virtualRouterOf } from "./vrrp-instance.ts";

export interface ReadOptions {
  /** Go on as keepalived does: without what is wrong, or with a default. */
  readonly lenient: boolean;
  /** What `@NAME` is compared with. Default: the host's name. */
  readonly configurationId?: string | undefined;
}

export interface ReadResult {
  readonly value: UserConfiguration;
  readonly diagnostics: readonly Diagnostic[];
  /** Where the value at a path of `value` was written; the nearest one that is known. */
  readonly placeOf: (path: readonly PropertyKey[]) => Place | undefined;
  /** The places of all values by their paths, parts joined by NUL. */
  readonly places: ReadonlyMap<string, Place>;
  readonly comments: readonly Comment[];
}

export interface Comment {
  /** Without `#` or `!` and blanks around it. */
  readonly text: string;
  /** Where it begins. */
  readonly place: Place;
  /** Whether nothing stands before it on its line. */
  readonly alone: boolean;
}

const rootGrammar = {
  ...globalRoot,
  ...trackGrammar,
  ...virtualServerRoot,

  vrrp_instance: instance,
  vrrp_sync_group: syncGroup,
  static_ipaddress: lines(),
  static_routes: lines(),
  static_rules: lines(),
  interface_up_down_delays: lines(),
} as const satisfies Grammar;

export type Root = Block<typeof rootGrammar>;

/** Reads a file and everything it includes. @throws nothing: what is wrong is among the diagnostics. */
export function readKeepalived(file: string, host: HostFacts, options: ReadOptions): ReadResult {
  const { report, diagnostics } = createReport(options.lenient);
  const places = new Map<string, Place>();
  const context: Context = {
    report,
    host,
    mark: (path, at) => void places.set(path.join("\0"), placeFor(at)),
    markOf(path) {
      for (let length = path.length; length > 0; length--) {
        const place = places.get(path.slice(0, length).map(String).join("\0"));
        if (place !== undefined) return place;
      }
      return undefined;
    },
  };
  const comments: Comment[] = [];
  const text = preprocess(file, {
    host,
    configurationId: options.configurationId ?? host.hostName,
    report,
    onComment: (line) => void comments.push(commentOf(line)),
  });
  const root = readBlock(rootGrammar, parseStatements(text, rootGrammar, report), report);
  const value = translate(root, context);
  const empty = Object.keys(value.virtualRouters).length === 0;
  if (empty && !diagnostics.some(isError))
    report.refusal(
      { file, line: 1, column: 1, lineText: "" },
      "keepalived.nothing",
      "found no vrrp_instance, so there is nothing to do",
    );
  lint(root, value, context);
  return {
    value,
    diagnostics: diagnostics.toSorted(byPlace),
    places,
    comments,
    placeOf: context.markOf,
  };
}

function commentOf(line: Line): Comment {
  const place = placeIn(line, 0);
  return {
    text: line.text.replace(/^[#!\s]+/, "").trim(),
    place,
    alone: line.written.slice(0, place.column - 2).trim() === "",
  };
}

function translate(root: Root, context: Context): UserConfiguration {
  const { parts, ...globals } = globalsOf(root, context);
  const tracked = trackedOf(root, scriptsInUse(root), context);
  const virtualRouters: Record<string, UserVirtualRouter> = define(
    "virtualRouters",
    root.vrrp_instance,
    (block, found) => virtualRouterOf(block, found, globals, tracked, context),
    context,
  );
  const delays = interfaceDelays(root.interface_up_down_delays, context);
  for (const [name, router] of Object.entries(virtualRouters))
    virtualRouters[name] = withDelays(router, delays);
  for (const [name, { priority }] of Object.entries(virtualRouters))
    if (priority === OWNER_PRIORITY)
      unweigh(
        name,
        "the priority 255 of the owner never changes",
        { virtualRouters, tracked },
        context,
      );
  const syncGroups: Record<string, UserSyncGroup> = syncGroupsOf(
    root.vrrp_sync_group,
    { virtualRouters, tracked, globals },
    context,
  );
  const fixed = staticOf(root, globals, context);
  const virtualServers = virtualServersOf(root, globals.notify.mailDirector, context);
  const sections = { ...tracked, syncGroups, virtualServers };
  return {
    virtualRouters,
    ...Object.fromEntries(
      Object.entries(sections).filter(([, entries]) => Object.keys(entries).length > 0),
    ),
    ...(fixed === undefined ? {} : { static: fixed }),
    ...(parts.notify.length > 0 ? { notify: parts.notify } : {}),
    ...(parts.mail === undefined ? {} : { mail: parts.mail }),
    ...(parts.commands === undefined ? {} : { commands: parts.commands }),
  };
}

/** The scripts that something tracks. */
function scriptsInUse(root: Root): ReadonlySet<string> {
  const blocks = [...(root.vrrp_instance ?? []), ...(root.vrrp_sync_group ?? [])].map(
    ({ value }) => value.block.track_script,
  );
  return new Set(blocks.flatMap(linesIn).map(({ keyword }) => keyword.text));
}

const isError = ({ severity }: Diagnostic): boolean => severity === "error";

/** In the order of the files' lines; what has no line first. */
function byPlace(a: Diagnostic, b: Diagnostic): number {
  if (a.file !== b.file) return 0;
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}

/** No more is of use to anybody, and a file can be wrong a million times. */
const DIAGNOSTICS_MAX = 1000;
const LINE_TEXT_MAX = 400;
/** What follows `auth_pass`, and the id after an HMAC `key`. */
const SECRET = /(\bauth_pass\s+|\bkey\s+\d+\s+)(\S.*)$/;

function createReport(lenient: boolean): {
  readonly report: Report;
  readonly diagnostics: Diagnostic[];
} {
  const diagnostics: Diagnostic[] = [];
  const seen = new Set<string>();
  const homes = homesOf(rootGrammar);
  const add =
    (severity: Diagnostic["severity"]): Report["error"] =>
    (at, code, message, hint) => {
      const { file, line, column, lineText } = placeFor(at);
      const key = `${file}\0${line}\0${column}\0${message}`;
      if (seen.has(key) || diagnostics.length >= DIAGNOSTICS_MAX) return;
      seen.add(key);
      diagnostics.push({
        severity,
        code,
        message: visible(message),
        file,
        line,
        column,
        ...(lineText === "" ? {} : { lineText: shorten(lineText) }),
        ...(hint === undefined ? {} : { hint: visible(hint) }),
      });
    };
  return {
    diagnostics,
    report: {
      error: add(lenient ? "warning" : "error"),
      refusal: add("error"),
      warning: add("warning"),
      homesOf: (keyword) => homes.get(keyword) ?? [],
    },
  };
}

/** Nothing that a terminal would act on. */
function visible(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, " ");
}

/** The line as it may be shown: without control characters, without secrets, not too long. */
function shorten(text: string): string {
  const shown = visible(text).replace(
    SECRET,
    (_, before: string, secret: string) => before + "*".repeat(secret.length),
  );
  return shown.length > LINE_TEXT_MAX ? `${shown.slice(0, LINE_TEXT_MAX)}...` : shown;
}

/** For each keyword the blocks that know it. */
function homesOf(root: Grammar): ReadonlyMap<string, readonly string[]> {
  const homes = new Map<string, string[]>();
  const visit = (grammar: Grammar, where: string): void => {
    for (const [text, keyword] of Object.entries(grammar)) {
      const known = homes.get(text) ?? [];
      if (!known.includes(where)) homes.set(text, [...known, where]);
      if (keyword.grammar !== undefined) visit(keyword.grammar, `inside ${text}`);
    }
  };
  visit(root, "at the top level");
  return homes;
}
