import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HIGHER, LOWER, OWN, advertisement, configure } from "../../test/virtual-router.ts";
import type { Ipv4Address } from "../packet/address.ts";
import { admit } from "./admission.ts";

const PASSWORD = [1, 2, 3, 4, 5, 6, 7, 8];
const OTHER = "10.0.0.101" as Ipv4Address;

describe("admission", () => {
  const config = configure({ authentication: { type: "PASS", password: PASSWORD } });
  const good = advertisement(config, 100);

  function reason(changes: Partial<typeof good>, source = HIGHER): string {
    const admission = admit(config, { ...good, ...changes }, source, OWN);
    return admission.ok ? "accepted" : admission.reason;
  }

  test("accepts what matches, whatever its priority and whoever sent it", () => {
    assert.equal(reason({}), "accepted");
    assert.equal(reason({ priority: 0 }), "accepted");
    assert.equal(reason({ priority: 255 }, LOWER), "accepted");
    assert.ok(admit(config, good, HIGHER, undefined).ok);
  });

  test("names the reason for each drop", () => {
    assert.equal(reason({}, OWN), "own advertisement");
    assert.equal(reason({ version: 3 as never }), "version mismatch");
    assert.equal(reason({ authentication: { type: "none" } }), "authentication type mismatch");
    assert.equal(reason({ advertIntervalMs: 2000 }), "advertisement interval mismatch");
  });

  test("a password counts in all its eight octets and its length", () => {
    for (const index of PASSWORD.keys()) {
      const password = PASSWORD.map((octet, at) => (at === index ? octet ^ 0x80 : octet));
      assert.equal(
        reason({ authentication: { type: "PASS", password } }),
        "password mismatch",
        `octet ${index}`,
      );
    }
    for (const password of [[], PASSWORD.slice(0, 7), [...PASSWORD, 0]])
      assert.equal(reason({ authentication: { type: "PASS", password } }), "password mismatch");
  });

  test("a virtual router without authentication does not accept a password", () => {
    const open = configure();
    assert.deepEqual(admit(open, good, HIGHER, OWN), {
      ok: false,
      reason: "authentication type mismatch",
    });
  });

  test("another list of addresses is accepted and noted; another order is the same list", () => {
    const [first] = good.addresses;
    assert.ok(first !== undefined);
    const two = configure({
      addresses: [
        { address: first, prefixLength: 24 },
        { address: OTHER, prefixLength: 24 },
      ],
    });
    const differ = (addresses: readonly Ipv4Address[]) =>
      admit(two, { ...advertisement(two, 100), addresses }, HIGHER, OWN);
    assert.deepEqual(differ([first, OTHER]), { ok: true, addressesDiffer: false });
    assert.deepEqual(differ([OTHER, first]), { ok: true, addressesDiffer: false });
    assert.deepEqual(differ([first]), { ok: true, addressesDiffer: true });
    assert.deepEqual(differ([first, HIGHER]), { ok: true, addressesDiffer: true });
    assert.deepEqual(differ([first, OTHER, HIGHER]), { ok: true, addressesDiffer: true });
  });
});
