/** Every cell of the interoperation matrix; `npm run interop` prints the same as a table. */
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { CASES, describeCase, runCase } from "./matrix.ts";

/** Each is two hosts that mostly wait for timers. */
const CONCURRENT = 4;

const skip = whyNot();

describe("interoperation", { skip, concurrency: CONCURRENT }, () => {
  for (const each of CASES) {
    test(describeCase(each), async () => {
      const { failure } = await runCase(each);
      if (failure !== undefined) throw new Error(failure.step, { cause: failure.error });
    });
  }
});

function whyNot(): string | false {
  if (process.getuid?.() !== 0) return "needs root: it makes network namespaces";
  for (const program of ["keepalived", "/usr/lib/frr/vrrpd"])
    if (spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0) return `needs ${program}`;
  return false;
}
