/** Holds what a plugin finds against what Node has. */
import assert from "node:assert/strict";
import { runInThisContext } from "node:vm";
import type { TestHost } from "./host.ts";

/** The value of an expression as JSON, or the name of its error: the same words inside and outside of the sandbox. */
const OBSERVE = `async (run) => {
  try { return JSON.stringify(await run()) ?? "undefined"; }
  catch (error) { return "throws " + error.name + (error instanceof DOMException ? " " + error.code : ""); }
}`;

export interface Comparison {
  /** Holds expressions of a plugin against what they are worth. */
  worth(expressions: readonly (readonly [string, string])[], permissions?: string): Promise<void>;
  /** The same, where Node itself says what they are worth. */
  asInNode(...expressions: readonly string[]): Promise<void>;
}

/** @param host where the plugins run, once there is one. */
export function createComparison(host: () => TestHost): Comparison {
  const worth: Comparison["worth"] = async (expressions, permissions) => {
    const cases = expressions.map(
      ([expression, expected]) =>
        `[${JSON.stringify(expression)}, async () => ${expression}, ${JSON.stringify(expected)}]`,
    );
    const body = `const observe = ${OBSERVE};
      for (const [expression, run, expected] of [${cases.join(",\n")}]) {
        const found = await observe(run);
        if (found !== expected) return down(expression.slice(0, 200) + ": " + found + ", expected " + expected);
      }`;
    assert.equal(await host().judge(body, permissions), "up");
  };
  return {
    worth,
    async asInNode(...expressions) {
      const observe = runInThisContext(`(${OBSERVE})`) as (run: unknown) => Promise<string>;
      const known: [string, string][] = [];
      for (const expression of expressions)
        known.push([expression, await observe(runInThisContext(`(async () => ${expression})`))]);
      await worth(known);
    },
  };
}
