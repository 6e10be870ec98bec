/** `karuntime status`: what the running daemon does, for people or as JSON. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { askControl } from "../daemon/control.ts";
import { formatStatus } from "../observe/status.ts";
import { runtimeDirectory } from "./paths.ts";

export async function run(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: { json: { type: "boolean", default: false }, "runtime-directory": { type: "string" } },
  });
  const path = join(runtimeDirectory(values["runtime-directory"]), "control.sock");
  const answer = await askControl(path, { type: "status" });
  if (answer === undefined)
    throw new Error(`no daemon listens at ${path}; start one with: karuntime start`);
  if (answer.type === "error") throw new Error(answer.message);
  process.stdout.write(
    `${values.json ? JSON.stringify(answer.status, undefined, 2) : formatStatus(answer.status)}\n`,
  );
  return 0;
}
