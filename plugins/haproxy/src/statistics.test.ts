import assert from "node:assert/strict";
import { test } from "node:test";
import { isUp, readBackend } from "./statistics.ts";

const PAGE = `# pxname,svname,qcur,scur,status,last_chk,
web,FRONTEND,,3,OPEN,,
web,a,0,1,UP,"L7OK, ""fine""",
web,b,0,0,DOWN 1/2,L4CON,
web,BACKEND,0,1,UP,,
api,BACKEND,0,0,DOWN,,
`;

test("a backend's servers are found by column", () => {
  assert.deepEqual(readBackend(PAGE, "web"), { servers: { a: "UP", b: "DOWN 1/2" }, sessions: 1 });
  assert.deepEqual(readBackend(PAGE, "api"), { servers: {}, sessions: 0 });
  const swapped =
    '# pxname,svname,last_chk,status,scur\nweb,a,"x, ""y"", z",UP,0\nweb,BACKEND,,UP,7\n';
  assert.deepEqual(readBackend(swapped, "web"), { servers: { a: "UP" }, sessions: 7 });
});

test("what is not there is named", () => {
  assert.throws(
    () => readBackend(PAGE, "mail"),
    /^Error: HAProxy has no backend mail; it has web, api$/,
  );
  assert.throws(
    () => readBackend("<html>", "web"),
    /^Error: these are no statistics of HAProxy: "<html>"/,
  );
});

test("a server is up while it takes sessions", () => {
  for (const status of ["UP", "UP 1/3", "no check"]) assert.ok(isUp(status), status);
  for (const status of ["DOWN", "DOWN 1/2", "MAINT", "DRAIN", "NOLB", ""])
    assert.ok(!isUp(status), status);
});
