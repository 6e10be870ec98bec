/** From a place in a bundle to the place in the author's own file. */
import { SourceMap } from "node:module";
import { dirname, resolve } from "node:path";
import type { PluginBundle } from "./protocol.ts";

/** The modules that a bundle takes from this installation. */
const OWN_FILES = /\/(?:config\/define|sdk\/(?:src|dist)\/index)\.[jt]s$/;

export interface Place {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
}

/** The name under which a bundle's code runs in its isolate. */
export function bundleName(bundle: PluginBundle): string {
  return `bundle:${bundle.hash.slice(0, 16)}`;
}

/** The first place of a stack that lies in the author's file; undefined when there is none, or no map. */
export function originOf(bundle: PluginBundle, stack: string): Place | undefined {
  const name = bundleName(bundle);
  // Read once: a plugin can write any number of places into its stack.
  let map: SourceMap | undefined;
  for (const [, line, column] of stack.matchAll(new RegExp(`${name}:(\\d+):(\\d+)`, "g"))) {
    map ??= readMap(bundle);
    if (map === undefined) return undefined;
    const place = lookUp(map, bundle, Number(line), Number(column));
    // Our own lines are no help to who wrote the plugin.
    if (place !== undefined && !OWN_FILES.test(place.file)) return place;
  }
  return undefined;
}

function readMap(bundle: PluginBundle): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(bundle.sourceMap));
  } catch {
    return undefined;
  }
}

function lookUp(
  map: SourceMap,
  bundle: PluginBundle,
  line: number,
  column: number,
): Place | undefined {
  try {
    const origin = map.findOrigin(line, column) as {
      readonly fileName?: string;
      readonly lineNumber?: number;
      readonly columnNumber?: number;
    };
    if (
      origin.fileName === undefined ||
      origin.lineNumber === undefined ||
      origin.columnNumber === undefined
    )
      return undefined;
    return {
      file: resolve(dirname(bundle.file), origin.fileName),
      line: origin.lineNumber,
      column: origin.columnNumber,
    };
  } catch {
    return undefined;
  }
}
