/** karuntime's reader beside real `keepalived -t`: mutations of valid configurations, a seeded corpus. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { createLab } from "../../../lab/src/lab.ts";
import { ensureLabPrivileges } from "../../../lab/src/privileges.ts";
import type { Diagnostic } from "../../src/config/diagnostic.ts";
import { thisHost } from "../../src/config/keepalived/host.ts";
import { readKeepalived } from "../../src/config/keepalived/read.ts";
import { validateConfiguration } from "../../src/config/validate.ts";
import type { Text } from "./corpus.ts";
import { corpus } from "./corpus.ts";
import { DIFFERENCES } from "./differences.ts";
import type { Remark } from "./oracle.ts";
import { keepalivedSays } from "./oracle.ts";

const TEXTS = 700;
const SEED = Number(process.env["SEED"] ?? 1);
/** How often the first line that keepalived remarks on has a remark of ours; else the cause is further up. */
const SAME_LINE_MIN = 0.85;

const folder = mkdtempSync(join(tmpdir(), "karuntime-differential-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const skip =
  process.getuid?.() !== 0
    ? "needs root"
    : spawnSync("keepalived", ["--version"]).error === undefined
      ? false
      : "keepalived is not installed";

function karuntimeSays(text: string, number: number): readonly Diagnostic[] {
  const file = join(folder, `${number}.conf`);
  writeFileSync(file, text);
  const host = { ...thisHost(), interfaces: () => new Set(["lo", "eth0", "eth1"]) };
  const read = readKeepalived(file, host, { lenient: false });
  if (Object.keys(read.value.virtualRouters).length === 0) return read.diagnostics;
  const validation = validateConfiguration(read.value, file, read.placeOf);
  return [...read.diagnostics, ...(validation.ok ? validation.warnings : validation.diagnostics)];
}

test(
  `${TEXTS} configurations beside keepalived -t`,
  { skip, timeout: 300_000 },
  async (context) => {
    await ensureLabPrivileges();
    const lab = await createLab();
    const failures: string[] = [];
    const counts = { accepted: 0, rejected: 0, remarks: 0, sameLine: 0 };

    function compare(
      { name, text }: Text,
      number: number,
      status: number | undefined,
      remarks: readonly Remark[],
    ): void {
      const ours = karuntimeSays(text, number);
      const wrong = ours.filter(({ severity }) => severity === "error");
      const fail = (why: string): void =>
        void failures.push(
          `${name}: ${why}\n${text}\nkaruntime: ${wrong.map((found) => `${found.line} ${found.message}`).join("; ")}`,
        );
      if (status === 0 && remarks.length === 0) {
        counts.accepted++;
        const meant = wrong.filter(
          ({ code }) => !DIFFERENCES.some((known) => known.code?.test(code)),
        );
        if (meant.length > 0) fail("keepalived accepts it");
        return;
      }
      counts.rejected++;
      const first = Math.min(...remarks.map(({ line }) => line ?? Number.POSITIVE_INFINITY));
      for (const { line, text: said } of remarks) {
        if (DIFFERENCES.some((known) => known.remark?.test(said))) continue;
        if (line === undefined) {
          if (ours.length === 0) fail(`keepalived says ${JSON.stringify(said)}`);
          continue;
        }
        const met = ours.some((found) => found.line === line);
        // The later remarks follow from the first one.
        if (line === first) {
          counts.remarks++;
          if (met) counts.sameLine++;
        }
        const further = ours.some(
          (found) => (found.line ?? 0) < line && found.code !== "keepalived.no-effect",
        );
        if (!met && !further) fail(`keepalived says ${JSON.stringify(said)} of line ${line}`);
      }
    }

    try {
      const host = await lab.host("oracle", {
        address: "192.0.2.1/24",
        interface: "eth0",
        extraInterfaces: [{ name: "eth1", address: "198.51.100.9/24" }],
      });
      const queue = [...corpus(TEXTS, SEED).entries()];
      const work = async (): Promise<void> => {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
          const [number, text] = next;
          const path = `/run/${number}.conf`;
          host.write(path, text.text);
          const { status, remarks } = await keepalivedSays(host, path);
          compare(text, number, status, remarks);
        }
      };
      await Promise.all([work(), work()]);
    } finally {
      await lab.close();
    }
    const share = counts.sameLine / counts.remarks;
    context.diagnostic(
      `seed ${SEED}: keepalived accepts ${counts.accepted} and rejects ${counts.rejected}; of ${counts.remarks} first remarks with a line ${Math.round(share * 1000) / 10} % are met on that line`,
    );
    assert.deepEqual(failures.slice(0, 3), [], `${failures.length} differences`);
    assert.ok(counts.accepted > 100 && counts.rejected > 300, JSON.stringify(counts));
    assert.ok(share >= SAME_LINE_MIN, `only ${share} of the remarks are met on their line`);
  },
);

test("every difference is in the docs", () => {
  const page = readFileSync(
    fileURLToPath(new URL("../../../docs/keepalived-compatibility.md", import.meta.url)),
    "utf8",
  );
  for (const { title } of DIFFERENCES) assert.ok(page.includes(`**${title}.**`), title);
});
