import type { ScriptSource } from "./script.ts";
export function writePlugin(
  name: string,
  _kind: string,
  _r: unknown,
  _s: ScriptSource,
): { file: string; text: string; purpose: string } {
  return { file: `checks/${name}.ts`, text: "", purpose: "" };
}
