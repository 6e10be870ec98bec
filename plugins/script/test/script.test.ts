/** The script check and scripts of a real shell: good, bad, silent, hung, missing. */
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { becomes, temporaryFolder, withProject } from "../../testing.ts";

describe("the script check", () => {
  const folder = temporaryFolder();
  const script = join(folder.path, "check.sh");

  before(() => {
    chmodSync(folder.path, 0o755);
    writeFileSync(
      script,
      `#!/bin/sh
case "$1" in
  good) exit 0 ;;
  bad) echo "nginx is gone"; echo "since noon"; exit 2 ;;
  loud) echo "no such option: $2" >&2; exit 1 ;;
  silent) exit 3 ;;
  killed) kill -KILL $$ ;;
  hung) exec sleep 60 ;;
  file) [ -e "$2" ] ;;
esac
`,
      { mode: 0o755 },
    );
  });
  after(() => folder.remove());

  const check = (name: string, ...command: readonly string[]): string =>
    `${name}: { plugin: "@karuntime/script", interval: "200ms", timeout: "1s", grant: { exec: [${JSON.stringify(command)}] }, options: { command: ${JSON.stringify(command)} } },`;

  test("is up with exit status 0, and else says why", async () => {
    const flag = join(folder.path, "flag");
    writeFileSync(flag, "");
    chmodSync(flag, 0o644);
    await withProject(
      `checks: {
        ${check("good", script, "good")}
        ${check("file", script, "file", flag)}
        ${check("bad", script, "bad")}
        ${check("loud", script, "loud", "a b; c")}
        ${check("silent", script, "silent")}
        ${check("killed", script, "killed")}
        ${check("hung", script, "hung")}
        ${check("missing", join(folder.path, "missing.sh"))}
      },`,
      async (project) => {
        await becomes(project, "good", "up");
        await becomes(project, "file", "up");
        await becomes(project, "bad", "down", /^nginx is gone \(exit status 2\)$/);
        await becomes(project, "loud", "down", /^no such option: a b; c \(exit status 1\)$/);
        await becomes(project, "silent", "down", /^exit status 3$/);
        await becomes(project, "killed", "down", /^it was ended by SIGKILL$/);
        await becomes(project, "hung", "timed out");
        await becomes(project, "missing", "error", /missing\.sh/);
        rmSync(flag);
        await becomes(project, "file", "down", /^exit status 1$/);
      },
    );
  });
});
