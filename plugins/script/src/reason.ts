/** Why a script says that something is wrong, as far as it tells. */
import type { ExecResult } from "@karuntime/sdk";

/** The first line that it wrote, else how it ended. */
export function reasonOf({ status, signal, stdout, stderr }: ExecResult): string {
  const said = [stdout, stderr].map(firstLine).find((line) => line !== "");
  const ended =
    status === null ? `it was ended by ${signal ?? "a signal"}` : `exit status ${status}`;
  return said === undefined ? ended : `${said} (${ended})`;
}

function firstLine(text: string): string {
  return text.trim().split("\n", 1)[0]?.trim() ?? "";
}
