import assert from "node:assert/strict";
import { test } from "node:test";
import { stopsKeepalived } from "./stops-keepalived.ts";

test("every way in which scripts stop keepalived is found, with its place", () => {
  for (const found of [
    "systemctl stop keepalived",
    "systemctl stop keepalived.service",
    "systemctl --no-block stop keepalived",
    "service keepalived stop",
    "/etc/init.d/keepalived stop",
    "killall keepalived",
    "killall -9 keepalived",
    "pkill -TERM -x keepalived",
    "kill -9 $(pidof keepalived",
    "kill `cat /var/run/keepalived",
  ]) {
    assert.deepEqual(stopsKeepalived(`#!/bin/sh\nif x; then ${found}; fi\n`), {
      line: 2,
      column: 12,
      found,
    });
  }
});

test("so is a kill of whatever ps lists", () => {
  const line =
    "ps -ef | grep keepalived | grep -v grep | awk '{print $2}' | xargs -I '{}' kill -9 {};";
  assert.equal(stopsKeepalived(line)?.column, 10);
});

test("what does not stop it is not", () => {
  for (const text of [
    "# systemctl stop keepalived",
    "exit 1 # killall keepalived",
    "systemctl start keepalived",
    "systemctl stop nginx",
    "systemctl status keepalived",
    "killall -0 keepalived",
    "kill -0 $(cat /var/run/keepalived.pid)",
    "ps -ef | grep keepalived; kill 1",
    "pgrep keepalived",
    "service keepalived status",
    "echo keepalived stop",
  ])
    assert.equal(stopsKeepalived(text), undefined, text);
});
