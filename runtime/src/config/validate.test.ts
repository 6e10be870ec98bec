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
      family: "ipv4",
      version: 2,
      priority: 90,
      advertIntervalMs: 1000,
      missedAdvertisements: 3,
      initialState: "master",
      startDelayMs: 0,
      preempt: true,
      preemptDelayMs: 0,
      authentication: { type: "PASS", password: [97, 109, 105, 110, 103, 108, 105, 110] },
      checksumStyle: "pseudo-header",
      transport: { type: "multicast", group: "224.0.0.18", ttl: 255 },
      sourceAddress: undefined,
      virtualMac: undefined,
      addresses: [
        { address: "192.168.188.100", prefixLength: 32 },
        { address: "192.168.188.101", prefixLength: 24 },
      ],
      excludedAddresses: [],
      routes: [],
      rules: [],
      accept: true,
      trackInterface: true,
      trackers: [{ name: "nginx", kind: "check", weight: -15, reverse: false }],
      syncGroup: undefined,
      lease: true,
      onAddressLost: "restore",
      onAddressMismatch: "accept",
      announcement: {
        count: 5,
        repeatAfterMs: 5000,
        refreshEveryMs: 0,
        refreshCount: 1,
        gapMs: 0,
        contention: { count: 5, repeatAfterMs: 5000 },
      },
      answerLowerPriority: true,
      advertiseBeforeYielding: false,
      ownerIgnoresAdvertisements: false,
    });
    assert.deepEqual(result.configuration.checks[0], {
      name: "nginx",
      type: "plugin",
      plugin: "./checks/nginx.ts",
      options: {},
      grant: undefined,
      target: undefined,
      intervalMs: 3000,
      timeoutMs: 3000,
      rise: 1,
      fall: 2,
      retryDelayMs: undefined,
      initialState: "unknown",
      onFault: "down",
    });
  });

  test("an IPv6 address first that is not link-local is a warning", () => {
    const result = validateConfiguration(
      router({ addresses: ["2001:db8::1/64"], authentication: { type: "none" } }),
      "f",
    );
    assert.ok(result.ok);
    assert.match(
      result.warnings.map(formatDiagnostic).join("\n"),
      /addresses\.0: found 2001:db8::1, expected the virtual router's link-local address first, such as "fe80::33\/64"/,
    );
  });

  test("may give a tracked check another weight", () => {
    const result = validateConfiguration(
      router({ track: { checks: [{ check: "nginx", weight: 7 }] } }),
      "f",
    );
    assert.ok(result.ok);
    assert.deepEqual(result.configuration.virtualRouters[0]?.trackers, [
      { name: "nginx", kind: "check", weight: 7, reverse: false },
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
      /advertInterval: found 100 ms, expected whole seconds: version 2 carries no fractions; version: 3 does/,
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
      /addresses\.0: found "10.0.0.1\/33", expected an address such as/,
    ],
    [
      "both families",
      router({ addresses: ["10.0.0.1", "fe80::1"] }),
      /found IPv4 and IPv6 addresses, expected one family/,
    ],
    [
      "version 2 with IPv6",
      router({ addresses: ["fe80::1"], version: 2, authentication: { type: "none" } }),
      /version: found version 2 with IPv6 addresses/,
    ],
    [
      "an interval that version 3 cannot carry",
      router({ version: 3, advertInterval: "15ms", authentication: { type: "none" } }),
      /advertInterval: found 15 ms, expected a multiple of 10ms up to 40\.95s/,
    ],
    [
      "a password in version 3",
      router({ version: 3 }),
      /authentication: found PASS, which only version 2 carries; version 3 can have type: "HMAC"/,
    ],
    [
      "more addresses than fit",
      router({
        authentication: { type: "none" },
        addresses: Array.from({ length: 91 }, (_, index) => `fe80::${index + 1}`),
      }),
      /addresses: found 91 addresses, expected at most 90/,
    ],
    [
      "unicast and multicast",
      router({ unicast: { peers: ["10.0.0.2"] }, multicast: {} }),
      /unicast: found unicast and multicast, expected one of them/,
    ],
    [
      "a peer that is a group",
      router({ unicast: { peers: ["224.0.0.18"] } }),
      /peers\.0: found 224\.0\.0\.18, expected a host's address/,
    ],
    [
      "a short HMAC key",
      router({ authentication: { type: "HMAC", keys: [{ id: 1, key: "short" }] } }),
      /keys\.0\.key: found a key of 5 octets, expected 32 to 64/,
    ],
    [
      "an active key that is none",
      router({
        authentication: { type: "HMAC", keys: [{ id: 1, key: "k".repeat(32) }], activeKey: 2 },
      }),
      /activeKey: found 2, expected the id of one of the keys/,
    ],
    [
      "a delay for what never happens",
      router({ preempt: false, preemptDelay: "5s" }),
      /preemptDelay: found a delay for what preempt: false forbids/,
    ],
    [
      "what strict mode refuses",
      router({ strict: true, preemptDelay: "5s" }),
      /preemptDelay: found a preempt delay, which strict mode does not allow/,
    ],
    [
      "a member of two sync groups",
      { ...good, syncGroups: { A: { members: ["VI_1"] }, B: { members: ["VI_1"] } } },
      /syncGroups\.B\.members\.0: VI_1 is already in the sync group A/,
    ],
    [
      "a member that does not exist",
      { ...good, syncGroups: { A: { members: ["VI_9"] } } },
      /there is no virtual router named "VI_9"/,
    ],
    [
      "a route to nowhere",
      router({ routes: [{ to: "192.0.2.0/24" }] }),
      /routes\.0: found neither via nor device, expected one of them/,
    ],
    [
      "a rule without a table",
      router({ rules: [{ from: "192.0.2.0/24" }] }),
      /rules\.0: found no table to look up/,
    ],
    [
      "a file that is not defined",
      router({ track: { files: ["priority"] } }),
      /track\.files\.0: there is no file named "priority" under files/,
    ],
    [
      "a password too long",
      router({ authentication: { type: "PASS", password: "aminglinux>com" } }),
      /found a password of 14 octets, expected 1 to 8/,
    ],
    [
      "an unknown authentication",
      router({ authentication: { type: "AH" } }),
      /authentication\.password: found nothing, expected a text/,
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
