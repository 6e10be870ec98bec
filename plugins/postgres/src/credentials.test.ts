import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { md5Password, scram } from "./credentials.ts";

test("MD5 hashes the password with the user's name, and that with the salt", () => {
  const md5 = (data: Buffer | string): string => createHash("md5").update(data).digest("hex");
  const salt = Buffer.from([1, 2, 254, 255]);
  const expected = `md5${md5(Buffer.concat([Buffer.from(md5("größeann")), salt]))}`;
  assert.equal(md5Password("ann", "größe", salt), expected);
});

describe("SCRAM-SHA-256", () => {
  // The exchange of RFC 7677, section 3, but for the user's name, which PostgreSQL takes from elsewhere.
  const nonce = "rOprNGfwEbeRWgbNEkqO";
  const serverFirst =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

  test("begins with the nonce", () =>
    assert.equal(scram("pencil", nonce).clientFirst, `n,,n=,r=${nonce}`));

  test("proves the password, and has the server prove it", () => {
    const { clientFinal, accepts } = scram("pencil", nonce).answer(serverFirst);
    // Computed with node:crypto, which gives the RFC's own values for its transcript.
    assert.equal(
      clientFinal,
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=qvT2SWdEH5Q06albL+hjSYuUhCG7VndFyzIb7CK4n9k=",
    );
    assert.ok(accepts("v=3HO6Qt1M4MKJrmlKaoOqLAI0/0TV0HZe7J9H3MBtSOg="));
    assert.ok(!accepts("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
    assert.ok(!accepts("e=invalid-proof"));
  });

  test("refuses a first message that is none of its own, and one that would take too long", () => {
    const { answer } = scram("pencil", nonce);
    for (const bad of [
      "",
      serverFirst.replace("rOpr", "xOpr"),
      `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`,
      serverFirst.replace("i=4096", "i=0"),
    ])
      assert.throws(() => answer(bad), /is not an answer to the client's/, bad);
    assert.throws(() => answer(serverFirst.replace("4096", "99999999")), /99999999 iterations/);
  });
});
