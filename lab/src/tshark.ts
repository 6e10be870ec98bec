/** What Wireshark's decoder says about frames: an opinion that is neither the runtime's nor the lab's own. */
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { PCAP_FILE_HEADER, pcapRecord } from "./pcap.ts";

const TSHARK_MS_MAX = 60_000;
const OUTPUT_MAX = 64 * 1024 * 1024;

/** What the checksum of version 3 over IPv4 sums. */
export type ChecksumStyle = "pseudo-header" | "message";

/** Said here because the user's own preferences would count otherwise. VRRP's checksum is always verified. */
function preferences(style: ChecksumStyle): readonly string[] {
  const asInVersion2 = style === "message" ? "TRUE" : "FALSE";
  return [`vrrp.v3_checksum_as_in_v2:${asInVersion2}`, "ip.check_checksum:TRUE"];
}

/** PI_SEVERITY_MASK's values, as the field _ws.expert.severity shows them. */
const SEVERITIES: ReadonlyMap<number, string> = new Map([
  [0x10_0000, "comment"],
  [0x20_0000, "chat"],
  [0x40_0000, "note"],
  [0x60_0000, "warning"],
  [0x80_0000, "error"],
]);

/** Between the values of one field; not in any message. */
const SEPARATOR = "\u001f";

/** @returns why tshark cannot be asked; undefined when it can. */
export function tsharkMissing(): string | undefined {
  const { error, status } = spawnSync("tshark", ["--version"], { stdio: "ignore" });
  return error === undefined && status === 0 ? undefined : "needs tshark (Debian: tshark)";
}

/**
 * What tshark's experts found in Ethernet frames.
 *
 * @returns a line for each finding, with the frame's number from 1 on: "frame 1: warning: Bad checksum [...]".
 * @throws Error with what tshark said when it fails.
 */
export async function tsharkExperts(
  frames: readonly Buffer[],
  style: ChecksumStyle = "pseudo-header",
): Promise<readonly string[]> {
  const fields = ["frame.number", "_ws.expert.severity", "_ws.expert.message"];
  const rows = await tshark(frames, "_ws.expert", fields, style);
  return rows.flatMap(([number = "", severities = "", messages = ""]) => {
    const names = severities.split(SEPARATOR);
    return messages.split(SEPARATOR).map((message, index) => {
      const severity = names[index] ?? "";
      return `frame ${number}: ${SEVERITIES.get(Number(severity)) ?? severity}: ${message}`;
    });
  });
}

/**
 * @param filter a display filter such as "vrrp": wireshark-filter(4).
 * @returns how many of the Ethernet frames match it.
 * @throws Error with what tshark said when it fails.
 */
export async function tsharkDecodes(frames: readonly Buffer[], filter: string): Promise<number> {
  return (await tshark(frames, filter, ["frame.number"])).length;
}

/** @returns the fields of each frame that matches. */
async function tshark(
  frames: readonly Buffer[],
  filter: string,
  fields: readonly string[],
  style: ChecksumStyle = "pseudo-header",
): Promise<string[][]> {
  const directory = await mkdtemp(join(tmpdir(), "karuntime-tshark-"));
  try {
    const file = join(directory, "frames.pcap");
    const records = frames.map((frame, index) => pcapRecord(frame, index));
    await writeFile(file, Buffer.concat([PCAP_FILE_HEADER, ...records]));
    const input = ["-n", "-r", file, "-Y", filter];
    const output = ["-T", "fields", "-E", `aggregator=${SEPARATOR}`];
    const { stdout } = await promisify(execFile)(
      "tshark",
      [
        ...input,
        ...preferences(style).flatMap((preference) => ["-o", preference]),
        ...output,
        ...fields.flatMap((field) => ["-e", field]),
      ],
      { timeout: TSHARK_MS_MAX, maxBuffer: OUTPUT_MAX },
    );
    return stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.split("\t"));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
