import assert from "node:assert/strict";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { eager } from "./eager.ts";

test("functions are put in parentheses, inner ones too; methods and accessors are left", () =>
  assert.equal(
    eager("const a = (x) => () => x; ({ f: function () {}, m() {}, get g() { return 1; } });"),
    "const a = ((x) => (() => x)); ({ f: (function () {}), m() {}, get g() { return 1; } });",
  ));

test("a declaration becomes a constant at the head of its block, behind the directives", () =>
  assert.equal(
    eager('(() => { "use strict"; return f(); function f() { return g; function g() {} } })()'),
    '((() => { "use strict";\nconst f = (function f() {\nconst g = (function g() {});\n return g;  });\n return f();  }))()',
  ));

test("a script does what it did before", () => {
  const script = `(() => {
  "use strict";
  const { given, other } = { given: 2, other: async (n) => n };
  class Box { #n = 1; constructor(n) { this.#n = n; } get n() { return twice(this.#n); } static of = (n) => new Box(n); }
  function twice(n) { if (n > 3) { return half(n) * 4; function half(m) { return m / 2; } } return n * 2; }
  const seen = function () { return this === undefined; };
  return JSON.stringify([Box.of(given).n, twice(8), seen(), typeof other, [3, 1, 2].sort((a, b) => a - b)]);
})()`;
  const expected = runInNewContext(script) as string;
  assert.equal(expected, '[4,16,true,"function",[1,2,3]]');
  assert.equal(runInNewContext(eager(script)), expected);
  assert.notEqual(eager(script), script);
});

test("what is no script is an error", () => assert.throws(() => eager("const ="), /Unexpected/));
