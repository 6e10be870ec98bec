import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { commandIdentity, commandUser } from "./command-user.ts";

const users = {
  passwd: "root:x:0:0::/root:/bin/sh\nweb:x:33:34::/:/bin/false\n",
  group: "root:x:0:\nadm:x:4:web\n",
};

test("users and groups by name and by number", () => {
  assert.deepEqual(commandUser("web", users), { uid: 33, gid: 34 });
  assert.deepEqual(commandUser("web:adm", users), { uid: 33, gid: 4 });
  assert.deepEqual(commandUser("33", users), { uid: 33, gid: 34 });
  assert.deepEqual(commandUser("1000:1001", users), { uid: 1000, gid: 1001 });
  assert.throws(() => commandUser("nobody", users), /there is no user "nobody"/);
  assert.throws(() => commandUser("web:staff", users), /there is no group "staff"/);
});

test("without a name: keepalived_script where it exists, else this process's own user", () => {
  assert.equal(commandUser(undefined, users, true), undefined);
  const passwd = `${users.passwd}keepalived_script:x:900:901::/:/bin/false\n`;
  assert.deepEqual(commandUser(undefined, { ...users, passwd }, true), { uid: 900, gid: 901 });
  assert.equal(commandUser(undefined, { ...users, passwd }, false), undefined);
});

describe("who runs a command", () => {
  const commands = { user: "0:0", secure: true, start: undefined, stop: undefined };
  const identity = (argv: readonly string[], user?: string, secure = true) =>
    commandIdentity({ argv, user }, { ...commands, secure });
  const root = { ok: true, user: { uid: 0, gid: 0 } };
  let folder = "";
  let script = "";
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "karuntime-user-"));
    script = join(folder, "check.sh");
    writeFileSync(script, "#!/bin/sh\n", { mode: 0o755 });
    chmodSync(script, 0o757);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test("root does not run what others can change", () => {
    const refused = identity([script]);
    assert.ok(!refused.ok);
    assert.match(refused.reason, /^it is not run as root: .*(?:can write|can change)/);
  });
  test("root's group counts as root", () => assert.ok(!identity([script], "65534:0").ok));
  test("anybody else does", () => {
    const user = { uid: 65_534, gid: 65_534 };
    assert.deepEqual(identity([script], "65534:65534"), { ok: true, user });
  });
  test("root does too unless commands are to be secure", () =>
    assert.deepEqual(identity([script], undefined, false), root));
  test("a name is looked for in PATH", () => {
    assert.deepEqual(identity(["sh", "-c", ":"]), root);
    const missing = identity(["no-such-command"]);
    assert.deepEqual(missing, {
      ok: false,
      reason: "it is not run as root: there is no no-such-command in PATH",
    });
  });
  test("nobody, when there is no such user", () =>
    assert.deepEqual(identity([script], "no such user"), {
      ok: false,
      reason: 'there is no user "no such user" in /etc/passwd',
    }));
});
