import assert from "node:assert/strict";
import { test } from "node:test";
import { parseManifest, parseOptions } from "./manifest.ts";

function messages(value: unknown): string {
  const result = parseManifest(value, "a.ts");
  assert.ok(!result.ok);
  return result.diagnostics
    .map((diagnostic) => `${diagnostic.path ?? ""}: ${diagnostic.message}`)
    .join("\n");
}

test("a check without permissions may do nothing", () => {
  assert.deepEqual(parseManifest({ kind: "check" }, "a.ts"), {
    ok: true,
    value: {
      kind: "check",
      permissions: {
        processes: [],
        services: {},
        net: [],
        exec: [],
        mail: false,
        files: [],
        system: false,
        store: false,
        metrics: false,
        secrets: [],
        udp: [],
        dns: [],
        ping: [],
      },
      options: {},
    },
  });
});

test("what is no check is refused with the line to write", () => {
  const result = parseManifest({ check: null }, "a.ts");
  assert.ok(!result.ok);
  assert.match(result.diagnostics[0]?.hint ?? "", /export default defineCheck/);
});

test("permissions are checked", () => {
  assert.match(
    messages({ kind: "check", permissions: { net: ["127.0.0.1"] } }),
    /permissions\.net\.0: expected "host:port"/,
  );
  assert.match(
    messages({ kind: "check", permissions: { services: { nginx: ["format"] } } }),
    /permissions\.services\.nginx\.0/,
  );
  assert.match(messages({ kind: "check", permissions: { everything: true } }), /everything/);
  for (const permissions of [
    { udp: ["127.0.0.1"] },
    { dns: ["dns.example.com:53"] },
    { dns: ["192.0.2.53"] },
    { ping: ["192.0.2.1:80"] },
    { ping: ["fe80::1%eth0"] },
    { exec: [["check"]] },
    { exec: [["{command..}"]] },
  ])
    assert.match(
      messages({ kind: "check", permissions }),
      /expected /,
      JSON.stringify(permissions),
    );
  const good = {
    udp: ["[2001:db8::1]:53", "{host}:{port}", "ntp.example.com:123"],
    dns: ["system", "192.0.2.53:53", "[2001:db8::53]:53", "{server}", "{server}:53"],
    ping: ["192.0.2.1", "2001:db8::1", "gateway.example.com", "{host}", "{hosts...}"],
    net: ["{urls...}"],
    files: ["{paths...}"],
    exec: [["{command...}"]],
  };
  assert.ok(parseManifest({ kind: "check", permissions: good }, "a.ts").ok);
});

test("lists and choices", () => {
  const place = { file: "k.ts", path: "checks.a.options" };
  const declarations = {
    names: { type: "list", default: ["a"] },
    action: { type: "string", choices: ["start", "stop"], default: "start" },
  } satisfies Parameters<typeof parseOptions>[0];
  const read = (given: Readonly<Record<string, unknown>>): unknown => {
    const result = parseOptions(declarations, given, place);
    return result.ok ? result.value : result.diagnostics.map(({ message }) => message);
  };
  assert.deepEqual(read({}), { names: ["a"], action: "start" });
  assert.deepEqual(read({ names: ["b", "c"], action: "stop" }), {
    names: ["b", "c"],
    action: "stop",
  });
  assert.deepEqual(read({ names: "b", action: "halt" }), [
    'found "b", expected a list of strings',
    'found "halt", expected one of start, stop',
  ]);
  assert.deepEqual(read({ names: ["b", 1] }), ['found ["b",1], expected a list of strings']);
});

test("options are validated and defaults filled in", () => {
  const place = { file: "k.ts", path: "checks.a.options" };
  const declarations = {
    url: { type: "string" },
    tries: { type: "number", default: 3, min: 1, max: 5 },
    strict: { type: "boolean", default: false },
  } as const;
  assert.deepEqual(parseOptions(declarations, { url: "x" }, place), {
    ok: true,
    value: { url: "x", tries: 3, strict: false },
  });
  const bad = parseOptions(declarations, { tries: 9, strict: "yes", urll: "x" }, place);
  assert.ok(!bad.ok);
  assert.deepEqual(
    bad.diagnostics.map((diagnostic) => `${diagnostic.path}: ${diagnostic.message}`),
    [
      "checks.a.options.urll: the plugin has no such option; it has url, tries, strict",
      "checks.a.options.url: found nothing, expected a string: the plugin has no default for it",
      "checks.a.options.tries: found 9, expected 1 to 5",
      'checks.a.options.strict: found "yes", expected a boolean',
    ],
  );
});
