import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { after, test } from "node:test";
import { bundle, stopBundler } from "../plugins/bundle.ts";
import { bundleName } from "../sandbox/source-map.ts";
import { translateBreakpoints } from "./breakpoints.ts";

const folder = mkdtempSync(join(tmpdir(), "karuntime-breakpoints-"));
after(async () => {
  await stopBundler();
  rmSync(folder, { recursive: true, force: true });
});

const PART = `interface Long {
  readonly a: number;
}
export function part(given: Long): number {
  const twice = given.a * 2;

  // a comment
  return twice;
}
`;

test("a breakpoint in a file of the plugin becomes one in the bundle, at the line or the next that is code", async () => {
  const file = join(folder, "check.ts");
  writeFileSync(join(folder, "part.ts"), PART);
  writeFileSync(file, 'import { part } from "./part.ts";\nglobalThis.x = part({ a: 1 });\n');
  const result = await bundle(file);
  assert.ok(result.ok);
  const translate = translateBreakpoints(result.bundle);
  const code = result.bundle.code.split("\n");
  const ask = (params: object): { readonly urlRegex?: string; readonly line: string } => {
    const message = JSON.stringify({ id: 7, method: "Debugger.setBreakpointByUrl", params });
    const told = JSON.parse(translate(message)) as {
      readonly id: number;
      readonly params: { readonly urlRegex?: string; readonly lineNumber: number };
    };
    assert.equal(told.id, 7);
    return { ...told.params, line: code[told.params.lineNumber]?.trim() ?? "" };
  };
  const url = bundleName(result.bundle);
  for (const [params, line] of [
    [{ urlRegex: "^(.*[\\/\\\\])?part\\.ts$", lineNumber: 4 }, "const twice = given.a * 2;"],
    [{ url: pathToFileURL(join(folder, "part.ts")).href, lineNumber: 5 }, "return twice;"],
    [{ url: file, lineNumber: 1, columnNumber: 3 }, "globalThis.x = part({ a: 1 });"],
  ] as const) {
    const told = ask(params);
    assert.equal(told.line, line);
    assert.match(url, new RegExp(told.urlRegex ?? "(?!)"));
    assert.ok(!("url" in told || "columnNumber" in told));
  }
  for (const params of [
    { url: file, lineNumber: 100 },
    { url, lineNumber: 3 },
    { urlRegex: "other\\.ts$", lineNumber: 1 },
    { urlRegex: "(", lineNumber: 1 },
    { lineNumber: 1 },
  ]) {
    const message = JSON.stringify({ id: 1, method: "Debugger.setBreakpointByUrl", params });
    assert.equal(translate(message), message);
  }
  for (const message of ["setBreakpointByUrl", '{"method":"Debugger.resume"}'])
    assert.equal(translate(message), message);
});
