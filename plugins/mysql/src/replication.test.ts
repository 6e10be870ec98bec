import assert from "node:assert/strict";
import { test } from "node:test";
import { channelOf, unfitReplica } from "./replication.ts";

const MARIADB = {
  Slave_IO_Running: "Yes",
  Slave_SQL_Running: "Yes",
  Seconds_Behind_Master: "3",
  Last_IO_Error: "",
  Last_SQL_Error: "",
};
const MYSQL = {
  Replica_IO_Running: "Connecting",
  Replica_SQL_Running: "Yes",
  Seconds_Behind_Source: null,
  Last_IO_Error: "error connecting",
  Last_SQL_Error: "",
};
const channel = (row: Readonly<Record<string, string | null>>) =>
  channelOf(new Map(Object.entries(row)));

test("the status of a replica is read under either name", () => {
  const good = { receiving: "Yes", receiveError: "", applying: "Yes", applyError: "" };
  assert.deepEqual(channel(MARIADB), { ...good, lagSeconds: 3 });
  assert.deepEqual(channel(MYSQL), {
    ...good,
    receiving: "Connecting",
    receiveError: "error connecting",
    lagSeconds: null,
  });
  assert.throws(() => channel({}), /no column Seconds_Behind_Source or Seconds_Behind_Master/);
});

test("every channel must run and keep up", () => {
  const good = channel(MARIADB);
  assert.equal(unfitReplica([good], 3), undefined);
  assert.equal(unfitReplica([good], 0), undefined);
  assert.match(unfitReplica([], 0) ?? "", /follows no primary/);
  assert.match(unfitReplica([good], 2) ?? "", /3 s behind its primary, expected at most 2 s/);
  assert.equal(
    unfitReplica([good, channel(MYSQL)], 0),
    'its thread that receives says "Connecting", expected "Yes": error connecting',
  );
  assert.match(unfitReplica([{ ...good, applying: "No" }], 0) ?? "", /that applies says "No"/);
  assert.match(unfitReplica([{ ...good, lagSeconds: null }], 1) ?? "", /does not know how far/);
});
