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
  ]) {
    assert.deepEqual(stopsKeepalived(`#!/bin/sh\nif x; then ${found}; fi\n`), {
      line: 2,
      column: 12,
      found,
    });
  }
});

test("what does not stop it is not", () => {
  for (const text of [
    "# systemctl stop keepalived",
    "exit 1 # killall keepalived",
    "systemctl start keepalived",
    "systemctl stop nginx",
    "systemctl status keepalived",
    "killall -0 keepalived",
    "pgrep keepalived",
    "service keepalived status",
    "echo keepalived stop",
  ])
    assert.equal(stopsKeepalived(text), undefined, text);
});
