import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatDiagnostic, nearest } from "./diagnostic.ts";
import type { UserConfiguration } from "./define.ts";
import { validateConfiguration } from "./validate.ts";

const good = {
  checks: { nginx: { plugin: "./checks/nginx.ts", interval: "3s", fall: 2, weight: -15 } },
  virtualRouters: {
    VI_1: {
      interface: "ens33",
      id: 51,
      priority: 90,
      authentication: { type: "PASS", password: "aminglin" },
      addresses: ["192.168.188.100", "192.168.188.101/24"],
      track: { checks: ["nginx"] },
    },
  },
} satisfies UserConfiguration;

/** `good` with the virtual router changed. */
function router(changes: Readonly<Record<string, unknown>>): unknown {
  return { ...good, virtualRouters: { VI_1: { ...good.virtualRouters.VI_1, ...changes } } };
}

/** The messages for a configuration that must be refused. */
function messages(value: unknown): string {
  const result = validateConfiguration(value, "karuntime.config.ts");
  assert.ok(!result.ok, "the configuration was accepted");
  return result.diagnostics.map(formatDiagnostic).join("\n");
}

describe("a good configuration", () => {
  test("is parsed, with keepalived's defaults filled in", () => {
    const result = validateConfiguration(good, "karuntime.config.ts");
    assert.ok(result.ok);
    assert.deepEqual(result.configuration.virtualRouters[0], {
      name: "VI_1",
      interface: "ens33",
      id: 51,
      version: 2,
      priority: 90,
      advertIntervalMs: 1000,
      preempt: true,
      authentication: { type: "PASS", password: [97, 109, 105, 110, 103, 108, 105, 110] },
      addresses: [
        { address: "192.168.188.100", prefixLength: 32 },
        { address: "192.168.188.101", prefixLength: 24 },
      ],
      trackers: [{ name: "nginx", weight: -15 }],
      lease: true,
      gratuitousArp: { count: 5, repeatAfterMs: 5000 },
    });
    assert.deepEqual(result.configuration.checks[0], {
      name: "nginx",
      plugin: "./checks/nginx.ts",
      options: {},
      intervalMs: 3000,
      timeoutMs: 3000,
      rise: 1,
      fall: 2,
    });
  });

  test("may give a tracked check another weight", () => {
    const result = validateConfiguration(
      router({ track: { checks: [{ check: "nginx", weight: 7 }] } }),
      "f",
    );
    assert.ok(result.ok);
    assert.deepEqual(result.configuration.virtualRouters[0]?.trackers, [
      { name: "nginx", weight: 7 },
    ]);
  });

  test("pads a short password with zeros to the eight octets of the wire", () => {
    const result = validateConfiguration(
      router({ authentication: { type: "PASS", password: "1111" } }),
      "f",
    );
    assert.ok(result.ok);
    assert.deepEqual(result.configuration.virtualRouters[0]?.authentication, {
      type: "PASS",
      password: [49, 49, 49, 49, 0, 0, 0, 0],
    });
  });
});

describe("a bad configuration names the path, what was found and what was expected", () => {
  const cases: readonly (readonly [string, unknown, RegExp])[] = [
    ["nothing", undefined, /the configuration: found nothing, expected an object/],
    [
      "no virtual router",
      { virtualRouters: {} },
      /virtualRouters: expected at least one virtual router/,
    ],
    [
      "id out of range",
      router({ id: 256 }),
      /virtualRouters\.VI_1\.id: found 256, expected 255 or less/,
    ],
    ["id missing", router({ id: undefined }), /VI_1\.id: found nothing, expected a number/],
    ["priority 0", router({ priority: 0 }), /VI_1\.priority: found 0, expected 1 or more/],
    [
      "priority with a fraction",
      router({ priority: 1.5 }),
      /VI_1\.priority: found 1.5, expected a whole number/,
    ],
    [
      "interval below a second",
      router({ advertInterval: "100ms" }),
      /advertInterval: found "100ms", expected a time such as "1s"/,
    ],
    [
      "interval with a fraction",
      router({ advertInterval: "1.5s" }),
      /advertInterval: found 1500 ms, expected whole seconds/,
    ],
    [
      "interval as a number",
      router({ advertInterval: 1 }),
      /advertInterval: found 1, expected a text/,
    ],
    [
      "no address",
      router({ addresses: [] }),
      /addresses: found a list of 0, expected at least 1 of them/,
    ],
    [
      "an address twice",
      router({ addresses: ["10.0.0.1/24", "10.0.0.1"] }),
      /10\.0\.0\.1 is already listed here/,
    ],
    [
      "a prefix out of range",
      router({ addresses: ["10.0.0.1/33"] }),
      /addresses\.0: found "10.0.0.1\/33", expected an IPv4 address/,
    ],
    ["an IPv6 address", router({ addresses: ["fe80::1"] }), /IPv6 needs VRRP version 3/],
    [
      "a password too long",
      router({ authentication: { type: "PASS", password: "aminglinux>com" } }),
      /found a password of 14 octets, expected 1 to 8/,
    ],
    [
      "an unknown authentication",
      router({ authentication: { type: "AH" } }),
      /authentication\.type: expected "none" or "PASS"/,
    ],
    [
      "an unknown key",
      router({ prioritty: 1 }),
      /VI_1\.prioritty: found a key that is not known here\n {2}hint: did you mean "priority"\?/,
    ],
    [
      "an unknown check",
      router({ track: { checks: ["ngnix"] } }),
      /checks\.0: there is no check named "ngnix" under checks; did you mean "nginx"\?/,
    ],
    [
      "a check tracked twice",
      router({ track: { checks: ["nginx", "nginx"] } }),
      /the check "nginx" is listed twice/,
    ],
    [
      "a weight out of range",
      router({ track: { checks: [{ check: "nginx", weight: 254 }] } }),
      /checks\.0\.weight: found 254, expected 253 or less/,
    ],
    [
      "a tracker of another form",
      router({ track: { checks: [7] } }),
      /checks\.0: found 7, expected a check's name, or \{ check, weight \}/,
    ],
    [
      "an interface with a blank",
      router({ interface: "eth 0" }),
      /an interface's name has 1 to 15 characters/,
    ],
    [
      "a relative command",
      { ...good, services: { nginx: { start: ["nginx"] } } },
      /services\.nginx\.start: expected the command's absolute path first/,
    ],
  ];
  for (const [name, value, expected] of cases)
    test(name, () => assert.match(messages(value), expected));

  test("the same virtual router id twice on an interface", () => {
    const { VI_1 } = good.virtualRouters;
    const text = messages({
      ...good,
      virtualRouters: { VI_1, VI_2: { ...VI_1, addresses: ["10.0.0.9"] } },
    });
    assert.match(text, /VI_2\.id: virtual router id 51 is already used on ens33 by VI_1/);
  });

  test("all problems are reported at once", () => {
    const text = messages(router({ id: 0, priority: 300, addresses: ["x"] }));
    assert.equal(text.split("\n").length, 3);
  });

  test("a secret is not repeated", () =>
    assert.doesNotMatch(
      messages(router({ authentication: { type: "PASS", password: "aminglinux>com" } })),
      /aminglinux>com/,
    ));
});

test("nearest finds a misspelt word and nothing far away", () => {
  assert.equal(nearest("ngnix", ["redis", "nginx"]), "nginx");
  assert.equal(nearest("intervall", ["timeout", "interval"]), "interval");
  assert.equal(nearest("zebra", ["timeout", "interval"]), undefined);
});

test("a diagnostic shows the line and a caret below the column", () => {
  const text = formatDiagnostic({
    severity: "error",
    code: "x",
    message: "wrong",
    file: "a.ts",
    line: 12,
    column: 3,
    lineText: "\tb c",
    hint: "write d",
  });
  assert.equal(text, "a.ts:12:3: error: wrong\n  12 | \tb c\n       \t ^\n  hint: write d");
});
