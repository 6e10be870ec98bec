import assert from "node:assert/strict";
import { test } from "node:test";
import { NOTHING } from "./manifest.ts";
import { helpOn } from "./options-schema.ts";
import { inOneLine, inWords } from "./words.ts";

test("permissions are said in words", () => {
  assert.deepEqual(
    inWords({
      processes: ["nginx", "haproxy"],
      services: { nginx: ["start", "status"] },
      net: ["{host}:{port}", "{url}", "192.0.2.1:80", "{host}:443"],
      exec: [
        ["/bin/check", "-a"],
        ["/bin/any", "..."],
      ],
      mail: true,
      files: ["/run/state", "/run/app.d/", "{file}"],
      system: true,
      udp: ["{host}:123"],
      dns: ["system", "192.0.2.53:53"],
      ping: ["{host}"],
      store: true,
      metrics: true,
      secrets: ["redis"],
    }),
    [
      "count processes named nginx, haproxy",
      "start, ask the status of the service nginx",
      "connect to the address that you configure (options host and port)",
      "connect to the address that you configure (option url)",
      "connect to 192.0.2.1:80",
      "connect to {host}:443 (option host)",
      "send datagrams to {host}:123 (option host)",
      "ask the DNS server that this host itself asks",
      "ask the DNS server at 192.0.2.53:53",
      "ping the address that you configure (option host)",
      "run /bin/check -a, outside the sandbox",
      "run /bin/any with any further arguments, outside the sandbox",
      "read the file /run/state",
      "read everything beneath /run/app.d/",
      "read the file {file} (option file)",
      "read the secret redis of the configuration",
      "send mail to the receivers that you configure",
      "see how busy the machine is",
      "keep texts from one invocation to the next",
      "publish numbers",
    ],
  );
});

test("in one line, with what is left out", () => {
  assert.equal(
    inOneLine({ ...NOTHING, net: ["{host}:{port}"] }),
    "connect to the address that you configure (options host and port); nothing else",
  );
  assert.equal(inOneLine(NOTHING), "nothing");
});

test("every permission has words", () => {
  const samples: Readonly<Record<string, unknown>> = {
    services: { a: ["start"] },
    exec: [["/a"]],
  };
  for (const [name, nothing] of Object.entries(NOTHING)) {
    const wish = typeof nothing === "boolean" ? true : (samples[name] ?? ["a"]);
    assert.equal(inWords({ ...NOTHING, [name]: wish }).length, 1, name);
  }
});

test("a plugin's own text cannot pass for ours", () => {
  const [line] = inWords({ ...NOTHING, files: ["/a\n\u001b[2Jand nothing else\u202e"] });
  assert.equal(line, 'read the file "/a\\n\\u001b[2Jand nothing else\\u202e"');
  assert.deepEqual(
    helpOn({ "a\u009b2J": { type: "string", default: "\u202e", description: "b\nc" } }),
    ['"a\\u009b2J": string, default "\\u202e": "b\\nc"'],
  );
  assert.equal(
    inWords({ ...NOTHING, processes: ["nginx or"] })[0],
    'count processes named "nginx or"',
  );
});
