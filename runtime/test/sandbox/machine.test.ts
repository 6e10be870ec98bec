/** What a plugin may see of the machine: the files that it was granted, and how busy it is. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { stopBundler } from "../../dist/plugins/bundle.js";
import type { TestHost } from "./host.ts";
import { startHost } from "./host.ts";

describe("a plugin that looks at the machine", () => {
  let host: TestHost;
  before(async () => {
    host = await startHost();
  });
  after(async () => {
    host.stop();
    await stopBundler();
  });

  const run = (body: string, permissions?: string) => host.judge(body, permissions);

  test("reads the files that it was granted, and no others by whatever way", async () => {
    const folder = mkdtempSync(join(tmpdir(), "karuntime-files-"));
    chmodSync(folder, 0o755);
    try {
      const path = (name: string): string => join(folder, name);
      mkdirSync(path("granted"));
      writeFileSync(path("granted/a"), "12\n");
      writeFileSync(path("other"), "secret");
      symlinkSync(path("other"), path("granted/link"));
      symlinkSync(folder, path("granted/up"));
      symlinkSync("/proc/self/environ", path("granted/proc"));
      const permissions = `{ files: [${JSON.stringify(path("granted/"))}] }`;
      const read = (name: string): Promise<string> =>
        run(`return down((await files.read(${JSON.stringify(name)})).text);`, permissions);
      assert.equal(await read(path("granted/a")), "12");
      for (const name of [
        path("other"),
        path("granted/../other"),
        path("granted/./../other"),
        path("granted/link"),
        path("granted/up/other"),
        path("granted/proc"),
        "/etc/passwd",
        "/proc/self/environ",
        `${path("granted")}x/a`,
      ])
        assert.match(await read(name), /^not permitted: to read/, name);
      assert.match(await read("granted/a"), /expected an absolute path/);
      assert.match(await read(path("granted/none")), /ENOENT/);
      assert.match(await read(path("granted/")), /not permitted|no regular file/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("knows how busy the machine is, when it was granted", async () => {
    const body = `const [load, memory, disk] = await Promise.all([system.load(), system.memory(), system.disk("/")]);
    return down([load.one >= 0, load.cpus >= 1, memory.availableBytes > 0, memory.availableBytes <= memory.totalBytes, disk.availableBytes <= disk.totalBytes].join());`;
    assert.equal(await run(body, "{ system: true }"), "true,true,true,true,true");
    assert.match(await run(body), /^not permitted: to ask how busy the machine is/);
    assert.match(
      await run('await system.pressure("../../etc" as never);', "{ system: true }"),
      /there is no measure/,
    );
  });
});
