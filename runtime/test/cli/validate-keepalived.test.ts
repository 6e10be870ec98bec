/** `karuntime validate` and `-t` on a keepalived.conf: exit statuses, JSON, the printed model, two hosts compared. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../../bin/karuntime", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "karuntime-validate-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const GOOD = `vrrp_instance VI_1 {
  interface eth0
  virtual_router_id 51
  priority 100
  authentication {
    auth_type PASS
    auth_pass topsecret
  }
  virtual_ipaddress {
    192.0.2.100/24
  }
}
`;
const CLEAN = GOOD.replace("topsecret", "secret").replace("interface eth0", "interface lo0");

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function karuntime(...argv: string[]) {
  return spawnSync(PROGRAM, argv, { encoding: "utf8" });
}

describe("validate", () => {
  test("exits with 0, with 1 for warnings under --strict, with 2 for errors", () => {
    const warned = file("warned.conf", GOOD);
    assert.equal(karuntime("validate", "-c", warned).status, 0);
    assert.equal(karuntime("validate", "-c", warned, "--strict").status, 1);
    const wrong = file("wrong.conf", GOOD.replace("priority", "prioriti"));
    assert.equal(karuntime("validate", "-c", wrong).status, 2);
    assert.equal(karuntime("validate", "-c", wrong, "--lenient").status, 0);
  });

  test("shows the line, a caret and a hint; as JSON the same for editors", () => {
    const wrong = file("wrong.conf", GOOD.replace("  priority", "  prioriti"));
    const { stderr } = karuntime("validate", "-f", wrong);
    assert.ok(
      stderr.includes(
        `${wrong}:4:3: error: found the unknown keyword "prioriti"\n  4 |   prioriti 100\n        ^\n  hint: did you mean "priority"?`,
      ),
      stderr,
    );
    const found = JSON.parse(karuntime("validate", "-f", wrong, "--json").stdout);
    const [first] = found.filter((entry: { severity: string }) => entry.severity === "error");
    assert.deepEqual(
      { ...first, lineText: undefined },
      {
        severity: "error",
        code: "keepalived.unknown-keyword",
        message: 'found the unknown keyword "prioriti"',
        file: wrong,
        line: 4,
        column: 3,
        lineText: undefined,
        hint: 'did you mean "priority"?',
      },
    );
  });

  test("prints the model with defaults and without secrets", () => {
    const { stdout } = karuntime("validate", "-c", file("good.conf", GOOD), "--print");
    const [router] = JSON.parse(stdout).virtualRouters;
    assert.equal(router.advertIntervalMs, 1000);
    assert.equal(router.announcement.count, 5);
    assert.deepEqual(router.authentication, { type: "PASS", password: "(hidden)" });
    assert.doesNotMatch(stdout, /topsecr/);
  });

  test("-t exits as keepalived -t does", () => {
    assert.equal(karuntime("-t", "-f", file("good.conf", CLEAN)).status, 0);
    assert.equal(karuntime("-t", "-f", join(folder, "none.conf")).status, 4);
    assert.equal(karuntime("-t", "-f", file("bad.conf", "vrrp_instance {\n")).status, 5);
    assert.equal(karuntime("validate", "-t", "-f", file("good.conf", CLEAN)).status, 0);
  });

  test("--peer finds what keeps two hosts from being one group, and weights that move nothing", () => {
    const script = "vrrp_script chk {\n  script /bin/true\n  weight -5\n}\n";
    const tracked = (priority: number): string =>
      `${script}${CLEAN.replace("priority 100", `priority ${priority}\n  track_script {\n    chk\n  }`)}`;
    const compare = (mine: string, theirs: string): string =>
      karuntime("validate", "-c", file("a.conf", mine), "--peer", file("b.conf", theirs)).stderr;
    assert.match(
      compare(tracked(100), tracked(90)),
      /when chk is down here, the priority goes from 100 to 95, and the other host's is 90: the weight -5 can never move/,
    );
    assert.doesNotMatch(compare(tracked(92), tracked(90)), /can never move/);
    assert.match(compare(CLEAN, CLEAN), /both hosts have the priority 100/);
    assert.match(compare(CLEAN, CLEAN.replace("secret", "other")), /authentication differs/);
    assert.match(
      compare(CLEAN, CLEAN.replace("2.100/24", "2.101/24")),
      /the addresses are 192.0.2.100 here and 192.0.2.101 there/,
    );
    assert.match(
      compare(CLEAN, CLEAN.replace("_id 51", "_id 52")),
      /the other host has no ipv4 virtual router with the id 51/,
    );
  });
});
