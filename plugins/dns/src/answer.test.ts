import assert from "node:assert/strict";
import { test } from "node:test";
import type { DnsRecord } from "@karuntime/sdk";
import { faultOf } from "./answer.ts";

const common = { name: "www.example.com", ttl: 60 };
const answers: readonly DnsRecord[] = [
  { ...common, type: "CNAME", data: "web.example.com" },
  { ...common, type: "A", data: "192.0.2.1" },
  { ...common, type: "A", data: "192.0.2.2" },
  { ...common, type: "MX", data: { preference: 10, exchange: "mail.example.com" } },
];
const fault = (rcode: string, expected: Partial<Parameters<typeof faultOf>[1]>) =>
  faultOf(
    { rcode, authoritative: true, answers },
    { type: "A", rcode: "NOERROR", answer: "", ...expected },
  );

test("the code counts first", () => {
  assert.equal(fault("NOERROR", {}), undefined);
  assert.equal(fault("NXDOMAIN", { rcode: "NXDOMAIN" }), undefined);
  assert.equal(fault("SERVFAIL", { answer: "192.0.2.1" }), "it says SERVFAIL, expected NOERROR");
});

test("one record of the type that was asked for has the data", () => {
  assert.equal(fault("NOERROR", { answer: "192.0.2.2" }), undefined);
  assert.equal(fault("NOERROR", { type: "MX", answer: "10 mail.example.com" }), undefined);
  assert.equal(
    fault("NOERROR", { answer: "web.example.com" }),
    "it has 192.0.2.1, 192.0.2.2, expected web.example.com",
  );
  assert.equal(fault("NOERROR", { type: "TXT", answer: "x" }), "it has no record, expected x");
});
