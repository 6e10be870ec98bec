import assert from "node:assert/strict";
import { test } from "node:test";
import { covers } from "./resolved-address.ts";

const NET = ["api.example.com:80", "localhost:80", "127.0.0.1:8080", "169.254.169.254:80"];

test("a granted name leads to public and private addresses", () => {
  for (const address of ["192.0.2.1", "10.0.0.1", "192.168.1.1", "2001:db8::1", "fd00::1"])
    assert.equal(covers("api.example.com", address, "80", NET), true, address);
});

test("it does not lead to this host, to link-local or to odd addresses", () => {
  for (const address of [
    "127.0.0.1",
    "127.9.9.9",
    "::1",
    "::ffff:127.0.0.1",
    "0.0.0.0",
    "::",
    "169.254.1.1",
    "::ffff:169.254.1.1",
    "fe80::1",
    "224.0.0.18",
    "255.255.255.255",
    "64:ff9b::7f00:1",
  ])
    assert.equal(covers("api.example.com", address, "80", NET), false, address);
});

test("localhost leads to this host, and an address that is granted itself is covered", () => {
  assert.equal(covers("localhost", "127.0.0.1", "80", NET), true);
  assert.equal(covers("localhost", "::1", "80", NET), true);
  assert.equal(covers("localhost", "192.0.2.1", "80", NET), true);
  assert.equal(covers("localhost.example.com", "127.0.0.1", "80", NET), false);
  assert.equal(covers("api.example.com", "127.0.0.1", "8080", NET), true);
  assert.equal(covers("api.example.com", "169.254.169.254", "80", NET), true);
  assert.equal(covers("api.example.com", "169.254.169.254", "81", NET), false);
});
