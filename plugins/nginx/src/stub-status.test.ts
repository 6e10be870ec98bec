import assert from "node:assert/strict";
import { test } from "node:test";
import { readStubStatus } from "./stub-status.ts";

test("the page is read as nginx writes it", () => {
  const page =
    "Active connections: 291 \nserver accepts handled requests\n 16630948 16630940 31070465 \nReading: 6 Writing: 179 Waiting: 106 \n";
  assert.deepEqual(readStubStatus(page), {
    active: 291,
    accepted: 16_630_948,
    handled: 16_630_940,
    requests: 31_070_465,
    reading: 6,
    writing: 179,
    waiting: 106,
  });
});

test("another page is none", () => {
  for (const page of ["", "<html>Welcome to nginx!</html>", "Active connections: 1"])
    assert.throws(() => readStubStatus(page), /^Error: it is no page of stub_status: "/);
});
