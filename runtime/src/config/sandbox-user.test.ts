import assert from "node:assert/strict";
import { test } from "node:test";
import { sandboxUser } from "./sandbox-user.ts";

const passwd =
  "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/usr/sbin/nologin\nweb:x:33:34::/:/bin/sh\n";
const needsRoot = {
  skip: process.getuid?.() === 0 ? false : "only root can change the sandbox's user",
};

test("a name is looked up, ids are taken as they are", needsRoot, () => {
  assert.deepEqual(sandboxUser("web", passwd), { uid: 33, gid: 34 });
  assert.deepEqual(sandboxUser("1000:1001", passwd), { uid: 1000, gid: 1001 });
});

test("without a name it is karuntime where that user exists, else nobody", needsRoot, () => {
  assert.deepEqual(sandboxUser(undefined, passwd), { uid: 65534, gid: 65534 });
  assert.deepEqual(sandboxUser(undefined, `${passwd}karuntime:x:900:901::/:/bin/false\n`), {
    uid: 900,
    gid: 901,
  });
});

test("root and unknown users are refused", needsRoot, () => {
  assert.throws(() => sandboxUser("root", passwd), /never run as root/);
  assert.throws(() => sandboxUser("0:5", passwd), /never run as root/);
  assert.throws(() => sandboxUser("ghost", passwd), /there is no user ghost/);
});

test("in a user namespace without that user there is no change of user", needsRoot, () => {
  assert.equal(sandboxUser("web", passwd, "         0       1000          1\n"), undefined);
  assert.deepEqual(sandboxUser("web", passwd, "0 1000 1\n1 100000 65536\n"), { uid: 33, gid: 34 });
});
