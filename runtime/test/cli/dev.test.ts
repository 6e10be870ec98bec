/** `karuntime dev` runs a plugin at each save, and outlives whatever is saved. */
import assert from "node:assert/strict";
import type { ChildProcessByStdio } from "node:child_process";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";

const PROGRAM = fileURLToPath(new URL("../../bin/karuntime", import.meta.url));
const WAIT_MS_MAX = 20_000;

describe("karuntime dev", () => {
  const folder = mkdtempSync(join(tmpdir(), "karuntime-dev-"));
  const file = join(folder, "check.ts");
  let child: ChildProcessByStdio<null, Readable, null>;
  let said = "";
  /** How much of it was read. */
  let read = 0;

  /** The next run that was printed and matches. */
  async function printed(pattern: RegExp): Promise<string> {
    const deadline = performance.now() + WAIT_MS_MAX;
    for (;;) {
      const end = said.indexOf("---\n", read);
      if (end >= 0) {
        const run = said.slice(read, end);
        read = end + 4;
        if (pattern.test(run)) return run;
        continue;
      }
      assert.ok(
        performance.now() < deadline && child.exitCode === null,
        `nothing that matches ${pattern} was printed; got:\n${said}`,
      );
      await sleep(5);
    }
  }

  function save(body: string, head = ""): void {
    // As editors do: the file is replaced.
    writeFileSync(
      `${file}.new`,
      `import { defineCheck } from "@karuntime/sdk";\n${head}\nexport default defineCheck({ permissions: { processes: ["nothing"] }, async check({ down, processes }) { ${body} } });\n`,
    );
    renameSync(`${file}.new`, file);
  }

  function hosts(): readonly string[] {
    return readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8")
      .split(" ")
      .filter((pid) => pid !== "")
      .filter((pid) => /sandbox\/main\.js/.test(readFileSync(`/proc/${pid}/cmdline`, "utf8")));
  }

  before(() => {
    save("return down(`first ${await processes.count('nothing')}`);");
    child = spawn(PROGRAM, ["dev", "./check.ts"], {
      cwd: folder,
      stdio: ["ignore", "pipe", "inherit"],
    });
    child.stdout.on("data", (text: Buffer) => (said += text.toString()));
  });
  after(() => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  test("runs at once, and again at each save, in the same host", async () => {
    assert.match(await printed(/first 0/), /^check check\.ts: down: first 0\n/);
    const before = hosts();
    assert.equal(before.length, 1);
    save("return down('second');");
    await printed(/^check check\.ts: down: second\n/);
    assert.deepEqual(hosts(), before);
  });

  test("a syntax error is shown with its place, and the next save counts", async () => {
    save("return down('third';");
    assert.match(await printed(/not loaded/), /check\.ts:3:\d+: error: Expected .*\n.*\n +\^/);
    save("return down('fourth');");
    await printed(/: down: fourth\n/);
  });

  test("a module that is imported counts too, also one that was missing", async () => {
    save("return down(word);", 'import { word } from "./word.ts";');
    await printed(/Could not resolve "\.\/word\.ts"/);
    writeFileSync(join(folder, "word.ts"), "export const word = 'fifth';");
    await printed(/: down: fifth\n/);
    writeFileSync(join(folder, "word.ts"), "export const word = 'sixth';");
    await printed(/: down: sixth\n/);
  });

  test("an endless loop ends, and so does nothing else", async () => {
    save("for (;;);");
    await printed(/: timed out after \d+ ms\n/);
    save("return down('seventh');");
    await printed(/: down: seventh\n/);
  });

  test("a host that is gone is replaced", async () => {
    const [before = ""] = hosts();
    process.kill(Number(before), "SIGKILL");
    save("return down('eighth');");
    await printed(/: down: eighth\n/);
    const after = hosts();
    assert.equal(after.length, 1);
    assert.notEqual(after[0], before);
  });

  test("a signal ends it and its host", async () => {
    const [host = ""] = hosts();
    const ended = new Promise<number | null>((resolve) => child.on("exit", resolve));
    child.kill("SIGTERM");
    assert.equal(await ended, 0);
    for (let attempt = 0; existsSync(`/proc/${host}`) && attempt < 200; attempt++) await sleep(10);
    assert.ok(!existsSync(`/proc/${host}`));
  });
});
