/** What real keepalived says of a text. */
import type { Host } from "../../../lab/src/host.ts";

export interface Verdict {
  readonly status: number | undefined;
  readonly remarks: readonly Remark[];
}

export interface Remark {
  /** 1-based; undefined where it names none. */
  readonly line: number | undefined;
  readonly text: string;
}

/** What it says of every configuration, or of this machine. */
const NOISE =
  /^(?:Starting|Running|Command line|Configuration file|Unable to resolve default script username|WARNING - default user|SECURITY VIOLATION|Startup complete|Stopped|\s*$)/;

/** Runs `keepalived -t` on a file of the host. */
export async function keepalivedSays(host: Host, file: string): Promise<Verdict> {
  const { status, stdout, stderr } = await host.exec(["keepalived", "-t", "-f", file]);
  const remarks = new Map<string, Remark>();
  for (const said of `${stdout}\n${stderr}`.split("\n")) {
    const match = /^\((?:[^()]*: )?Line (\d+)\) (.*)$/.exec(said);
    const text = match?.[2] ?? said;
    if (NOISE.test(text)) continue;
    const line = match === null ? undefined : Number(match[1]);
    remarks.set(`${line} ${text}`, { line, text });
  }
  return { status, remarks: [...remarks.values()] };
}
