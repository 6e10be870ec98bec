/** Both configurations, with the article's variables, come to the same; the Dockerfile names what is there. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("./", import.meta.url));
const PROGRAM = join(folder, "../../runtime/bin/karuntime");
const VARIABLES = {
  KEEPALIVED_ROUTE_ID: "master",
  KEEPALIVED_STATE: "MASTER",
  KEEPALIVED_INTERFACE: "eth0",
  KEEPALIVED_PRIORITY: "100",
  KEEPALIVED_VIP: "192.0.2.100/24",
};

function model(file: string, variables: Readonly<Record<string, string>> = VARIABLES): unknown {
  const { status, stdout, stderr } = spawnSync(
    PROGRAM,
    ["validate", "-c", join(folder, file), "--print"],
    { encoding: "utf8", env: { ...process.env, ...variables } },
  );
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

test("keepalived.conf and karuntime.config.ts come to the same", () => {
  assert.deepEqual(model("keepalived.conf"), model("karuntime.config.ts"));
});

test("a variable that is not set is an error that names it", () => {
  const { KEEPALIVED_VIP: _, ...others } = VARIABLES;
  for (const file of ["keepalived.conf", "karuntime.config.ts"]) {
    const { status, stderr } = spawnSync(PROGRAM, ["validate", "-c", join(folder, file)], {
      encoding: "utf8",
      env: { ...process.env, ...others },
    });
    assert.equal(status, 2);
    assert.match(stderr, /KEEPALIVED_VIP is not set/);
  }
});

test("the image has every variable and every file", () => {
  const dockerfile = readFileSync(join(folder, "Dockerfile"), "utf8");
  for (const name of Object.keys(VARIABLES)) assert.match(dockerfile, new RegExp(`\\b${name}=`));
  for (const match of dockerfile.matchAll(/^COPY (?!karuntime-)(.*) \S+$/gm))
    for (const name of (match[1] ?? "").split(" ")) assert.ok(existsSync(join(folder, name)), name);
  assert.equal(spawnSync("sh", ["-n", join(folder, "entrypoint.sh")]).status, 0);
});
