import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { brief, MAIN_FILE, hostWith, readText } from "../../../test/keepalived.ts";
import type { ReadTextOptions } from "../../../test/keepalived.ts";
import type { Report } from "./keyword.ts";
import { preprocess } from "./preprocess.ts";

const GOOD = `vrrp_instance VI_1 {
  interface eth0
  virtual_router_id 51
  virtual_ipaddress {
    192.0.2.9/24
  }
}
`;
const EXPECTED = readText(GOOD).value;

describe("the same configuration in other clothes", () => {
  const cases: Readonly<Record<string, string>> = {
    "braces on lines of their own": GOOD.replaceAll(" {", "\n{"),
    "no blank before a brace": GOOD.replaceAll(" {", "{"),
    "values beside the braces": GOOD.replace("{\n    192.0.2.9/24\n  }", "{ 192.0.2.9/24 }"),
    "several closing braces on a line": GOOD.replace("  }\n}", "  } }"),
    "everything that fits on one line": GOOD.replace(
      "  virtual_ipaddress {\n    192.0.2.9/24\n  }\n}\n",
      "virtual_ipaddress{192.0.2.9/24}}",
    ),
    CRLF: GOOD.replaceAll("\n", "\r\n"),
    tabs: GOOD.replaceAll("  ", "\t"),
    "no newline at the end": GOOD.trimEnd(),
    comments: GOOD.replaceAll("\n", ' # comment { } " !\n').replace("#", "!"),
    "comments that are not ASCII": GOOD.replaceAll("\n", " #虚拟路由的ID{\n"),
    "blank lines": GOOD.replaceAll("\n", "\n\n \t \n"),
    "quoted words": GOOD.replace("eth0", '"eth0"').replace("51", '"51"'),
    "words glued to quotes": GOOD.replace("interface eth0", 'interface"eth0"'),
  };
  for (const [name, text] of Object.entries(cases))
    test(name, () => {
      const { value, diagnostics } = readText(text);
      assert.deepEqual(brief(diagnostics), []);
      assert.deepEqual(value, EXPECTED);
    });
});

describe("braces that are missing, or too many", () => {
  const read = (text: string) => {
    const { value, diagnostics } = readText(text);
    return {
      value,
      said: diagnostics.map((found) => `${found.line} ${found.message} | ${found.hint ?? ""}`),
    };
  };
  test("a closing one inside: the grammar tells where it was meant", () => {
    const { value, said } = read(
      GOOD.replace(
        "  virtual_ipaddress",
        "  authentication {\n    auth_type PASS\n    auth_pass x\n  virtual_ipaddress",
      ),
    );
    assert.deepEqual(said, [
      '4 found no "}" for this authentication before virtual_ipaddress in line 7 | it was probably meant after line 6',
    ]);
    assert.deepEqual(value.virtualRouters["VI_1"]?.addresses, ["192.0.2.9/24"]);
  });
  test("a closing one of a list of values", () => {
    const { value, said } = read(GOOD.replace("  }\n", "  track_interface {\n eth1\n }\n"));
    assert.equal(said.length, 1);
    assert.match(
      said[0] ?? "",
      /^4 found no "}" for this virtual_ipaddress before track_interface in line 6 \| it was probably meant after line 5/,
    );
    assert.deepEqual(value.virtualRouters["VI_1"]?.track, { interfaces: ["eth1"] });
  });
  test("a closing one at the top level", () => {
    const { value, said } = read(`vrrp_script c {\n  script /bin/x\n${GOOD}`);
    assert.match(
      said[0] ?? "",
      /^1 found no "}" for this vrrp_script before vrrp_instance in line 3/,
    );
    assert.deepEqual(value.virtualRouters, EXPECTED.virtualRouters);
  });
  test("a closing one at the end", () => {
    const { value, said } = read(GOOD.trimEnd().slice(0, -1));
    assert.deepEqual(said, [
      '1 found no "}" for this vrrp_instance up to the end of the file | it was probably meant after line 5',
    ]);
    assert.deepEqual(value, EXPECTED);
  });
  test("one too many", () => {
    const { value, said } = read(`${GOOD}}\n`);
    assert.match(said[0] ?? "", /^8 found "}" without a "{" that it could close/);
    assert.deepEqual(value, EXPECTED);
  });
  test("an opening one", () => {
    const { value, said } = read(GOOD.replace("virtual_ipaddress {", "virtual_ipaddress"));
    assert.match(said[0] ?? "", /^4 found no "{" after virtual_ipaddress/);
    assert.deepEqual(value, EXPECTED);
  });
  test("one after a keyword that has no block", () => {
    const { said } = read(GOOD.replace("interface eth0", "interface eth0 {\n }"));
    assert.match(said[0] ?? "", /^2 found "{" after interface, which has no block/);
  });
  test("100,000 of them", () => {
    assert.match(read("{".repeat(100_000)).said.join("\n"), /more than 100 deep/);
    assert.ok(read("}\n".repeat(100_000)).said.length <= 1000);
  });
  test("a quote without another one", () => {
    assert.match(
      read(GOOD.replace("eth0", '"eth0')).said.join("\n"),
      /^2 found " without another one/,
    );
  });
});

describe("definitions, conditions, repetitions, includes", () => {
  const lines = (
    text: string,
    options: ReadTextOptions = {},
  ): { lines: string[]; said: string[] } => {
    const said: string[] = [];
    const report: Report = {
      error: (_at, code, message) => void said.push(`error ${code}: ${message}`),
      refusal: (_at, code, message) => void said.push(`refusal ${code}: ${message}`),
      warning: (_at, code, message) => void said.push(`warning ${code}: ${message}`),
    };
    const host = hostWith(text, options);
    const found = preprocess(MAIN_FILE, {
      host,
      configurationId: options.configurationId ?? "host1",
      report,
    });
    return { lines: [...found].map((line) => line.text), said };
  };
  const cases: readonly (readonly [string, string, readonly string[], ReadTextOptions?])[] = [
    ["a definition", "$A=eth0\ninterface $A", ["interface eth0"]],
    ["in braces", "$A=eth\ninterface ${A}0", ["interface eth0"]],
    ["one in another", "$A=eth\n$B=${A}1\ninterface $B", ["interface eth1"]],
    ["of several lines", "$A=one \\\n two \\\n three\nx $A\ny", ["x one", "two", "three", "y"]],
    ["undefined, it stays", "interface $B", ["interface $B"]],
    ["glued to letters, it stays", "$A=1\nx $Ab $A.c", ["x $Ab $A.c"]],
    ["the hash and the bang", "a ${_HASH}b ${_BANG}c", ["a"]],
    [
      "the environment",
      "state ${_ENV STATE}",
      ["state MASTER"],
      { environment: { STATE: "MASTER" } },
    ],
    ["a condition that holds", "@host1 a\n@other b\n@^host1 c\n@^other d", ["a", "d"]],
    ["a condition given by -i", "@x a\n@host1 b", ["a"], { configurationId: "x" }],
    ["a condition before a definition", "@host1 $A=1\n@other $A=2\nx $A", ["x 1"]],
    ["a sequence", "~SEQ(i, 1, 3) x $i", ["x 1", "x 2", "x 3"]],
    ["a sequence with a step", "~SEQ(i, 6, -2, 2) x $i", ["x 6", "x 4", "x 2"]],
    ["a sequence in hexadecimal digits", "~SEQx(i, 9, 11) x $i", ["x 9", "x a", "x b"]],
    ["a sequence to a number", "~SEQ(i, 2) x ${i}y", ["x 1y", "x 2y"]],
    ["one sequence in another", "~SEQ(i, 2) ~SEQ(j, 2) $i $j", ["1 1", "1 2", "2 1", "2 2"]],
    ["a list", "~LST(v, a, b) x $v", ["x a", "x b"]],
    ["a list of pairs", "~LST({v, w}, {a, b}, {c}) $v-${w}.", ["$v-b.", "$v-."]],
    [
      "a sequence over a definition of several lines",
      "$A=x $i \\\n y $i\n~SEQ(i, 2) $A",
      ["x 1", "y 1", "x 2", "y 2"],
    ],
    ["escaped comment characters", "a\\#b \\!c #d", ["a#b !c"]],
    ["comment characters in double quotes", 'a "#b!" !c', ['a "#b!"']],
    [
      "include",
      "include more.conf\nc",
      ["a", "b", "c"],
      { files: { "/etc/keepalived/more.conf": "a\nb\n" } },
    ],
    [
      "include with a wildcard, in order",
      "include d/*.conf",
      ["2", "1"],
      { files: { "/etc/keepalived/d/b.conf": "1", "/etc/keepalived/d/a.conf": "2" } },
    ],
    [
      "include from an included file, relative to it",
      "include d/a",
      ["x"],
      { files: { "/etc/keepalived/d/a": "include b", "/etc/keepalived/d/b": "x" } },
    ],
  ];
  for (const [name, text, expected, options] of cases)
    test(name, () => {
      const found = lines(text, options);
      assert.deepEqual(found.lines, expected);
      assert.deepEqual(found.said, []);
    });

  test("what is missing or malformed is said", () => {
    assert.match(lines("x ${_ENV NONE}").said.join(), /error .*NONE is not set/);
    assert.match(lines("~SEQ(i, 1, -1, 5) x").said.join(), /error keepalived.repetition/);
    assert.match(lines("~LST(v) x").said.join(), /error keepalived.repetition/);
    assert.match(lines("include none").said.join(), /warning .*no file named none/);
    assert.match(lines("includer none\nincludea none").said.join(), /error .*no file named none/);
    assert.match(lines("a \\\nb").said.join(), /warning keepalived.continued/);
    assert.match(lines("a\0b").said.join(), /error .*NUL/);
    assert.match(lines(`a ${"x".repeat(2000)}`).said.join(), /more than 1023 bytes/);
  });
  test("what never ends is ended", () => {
    assert.match(lines("include keepalived.conf").said.join(), /includes itself/);
    assert.match(lines("~SEQ(i, 2000000000) x $i").said.join(), /more than 100000 lines/);
    assert.match(lines("~SEQ(i, 2000000000)").said.join(), /more than 100000 lines/);
    assert.match(lines("$A=$B\n$B=$A\nx $A").said.join(), /does not come to an end/);
    const laughs = Array.from({ length: 40 }, (_, i) => `$A${i + 1}=\${A${i}}\${A${i}}`).join("\n");
    assert.match(
      lines(`$A0=ha\n${laughs}\nx $A40`).said.join(),
      /longer than 65536|does not come to an end/,
    );
  });
});
