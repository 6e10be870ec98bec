import assert from "node:assert/strict";
import { test } from "node:test";
import { commandUser } from "./command-user.ts";

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
  assert.equal(commandUser(undefined, users), undefined);
  const passwd = `${users.passwd}keepalived_script:x:900:901::/:/bin/false\n`;
  assert.deepEqual(commandUser(undefined, { ...users, passwd }), { uid: 900, gid: 901 });
});
