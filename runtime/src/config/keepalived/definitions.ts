/** The values of `$NAME`s and how they are put into lines: `$NAME`, `${NAME}`, `${_ENV HOME}`, bodies of several lines. */
import type { Report } from "./keyword.ts";
import type { Line } from "./line.ts";
import { placeIn, replace } from "./line.ts";

/** What a name stands for: the lines of its body, or a function of its parameters. */
type Definition = readonly string[] | ((parameters: readonly string[]) => string | undefined);

export interface Definitions {
  set(name: string, body: readonly string[]): void;
  /**
   * Puts values in the place of names. A body of several lines is put in at the end of a line only; what follows its
   * first line is `more`. A name that is not defined stays as it is.
   */
  expand(line: Line): {
    readonly line: Line;
    readonly more: readonly string[];
    readonly changed: boolean;
  };
}

const REFERENCE = /\$(?:\{([A-Za-z_]\w*)((?:[ \t]+\w+)*)\}|([A-Za-z_]\w*)(?=[ \t,)]|$))/g;
/** A longer line than keepalived could hold is no meant result of putting values in. */
const EXPANDED_CHARACTERS_MAX = 64 * 1024;

export interface BuiltIns {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly directory: () => string;
}

export function createDefinitions(
  { environment, directory }: BuiltIns,
  report: Report,
): Definitions {
  const definitions = new Map<string, Definition>([
    ["_HASH", ["#"]],
    ["_BANG", ["!"]],
    ["_INSTANCE", [""]],
    ["_PWD", () => directory()],
    ["_ENV", ([name = ""]) => (Object.hasOwn(environment, name) ? environment[name] : undefined)],
    ["_RANDOM", (bounds) => random(bounds.map(Number))],
  ]);

  function valueOf(name: string, parameters: readonly string[]): readonly string[] | undefined {
    const definition = definitions.get(name);
    if (typeof definition !== "function") return parameters.length > 0 ? undefined : definition;
    const value = definition(parameters);
    return value === undefined ? undefined : [value];
  }

  return {
    set: (name, body) => void definitions.set(name, body),
    expand(original) {
      let line = original;
      let more: readonly string[] = [];
      let changed = false;
      REFERENCE.lastIndex = 0;
      for (
        let match = REFERENCE.exec(line.text);
        match !== null;
        match = REFERENCE.exec(line.text)
      ) {
        const [whole, braced, parameters = "", plain] = match;
        const name = braced ?? plain ?? "";
        const end = match.index + whole.length;
        const body = valueOf(
          name,
          parameters.split(/[ \t]+/).filter((word) => word !== ""),
        );
        if (body === undefined) {
          if (name === "_ENV")
            report.error(
              placeIn(line, match.index),
              "keepalived.environment",
              `the environment variable ${parameters.trim()} is not set`,
            );
          if (name !== "_ENV") continue;
        }
        const [first = "", ...rest] = body ?? [];
        if (rest.length > 0 && end < line.text.length) continue;
        if (line.text.length + first.length > EXPANDED_CHARACTERS_MAX) {
          report.error(
            placeIn(line, match.index),
            "keepalived.definition",
            `putting in $${name} makes this line longer than ${EXPANDED_CHARACTERS_MAX} characters; is it defined by itself?`,
          );
          break;
        }
        line = replace(line, match.index, end, first);
        changed = true;
        more = rest;
        REFERENCE.lastIndex = match.index + first.length;
        // What a ~SEQ or ~LST repeats is put in when it is repeated.
        if (/^[ \t]*~/.test(first)) break;
      }
      return { line, more, changed };
    },
  };
}

/** A whole number from the first bound to the second, 0 and 32767 where they are not given. */
function random([first = 0, second = 32_767]: readonly number[]): string {
  const [low, high] = first <= second ? [first, second] : [second, first];
  return String(low + Math.floor(Math.random() * (high - low + 1)));
}
