import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatDiagnostic } from "./diagnostic.ts";
import type { UserConfiguration, UserVirtualServer } from "./define.ts";
import type { Configuration } from "./model.ts";
import { validateConfiguration } from "./validate.ts";

const plugin = { type: "plugin", plugin: "./redis.ts" } as const;
const command = (word: string) => ({ command: ["/bin/told", word] }) as const;

function load(
  servers: Readonly<Record<string, Partial<UserVirtualServer>>>,
  rest: Partial<UserConfiguration> = {},
): Configuration {
  const result = validate(servers, rest);
  assert.ok(result.ok, result.ok ? "" : result.diagnostics.map(formatDiagnostic).join("\n"));
  return result.configuration;
}

function validate(servers: object, rest: object = {}) {
  const usual = {
    services: ["192.0.2.100:80"],
    protocol: "TCP",
    realServers: [{ server: "192.0.2.11:80" }],
  };
  return validateConfiguration(
    {
      virtualRouters: { VI_1: { interface: "eth0", id: 51, addresses: ["192.0.2.100/24"] } },
      virtualServers: Object.fromEntries(
        Object.entries(servers).map(([name, server]) => [name, { ...usual, ...server }]),
      ),
      ...rest,
    },
    "f",
  );
}

describe("plugins that check real servers", () => {
  test("look at the real server, or where they are told to, each under a name of its own", () => {
    const long = "x".repeat(200);
    const realServers = [
      { server: "192.0.2.11:80", checkers: [plugin, { ...plugin, port: 81 }] },
      { server: "192.0.2.12:80", checkers: [{ type: "tcp" as const }] },
      {
        server: "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:65535",
        checkers: [{ ...plugin, address: "192.0.2.99" }],
      },
    ];
    const { checkers } = load({ web: { realServers }, [long]: { realServers } });
    const names = checkers.map(({ name }) => name);
    assert.deepEqual(names.slice(0, 2), ["192.0.2.11:80 of web", "192.0.2.11:80 of web #2"]);
    assert.equal(new Set(names).size, 6);
    assert.ok(names.every((name) => name.length <= 64 && name.includes(" ")));
    assert.deepEqual(
      checkers.slice(0, 3).map(({ target }) => target),
      [
        { address: "192.0.2.11", port: 80, place: "192.0.2.11:80", virtualService: "web" },
        { address: "192.0.2.11", port: 81, place: "192.0.2.11:81", virtualService: "web" },
        { address: "192.0.2.99", port: 65_535, place: "192.0.2.99:65535", virtualService: "web" },
      ],
    );
    assert.deepEqual(
      checkers.map(({ virtualServer, realServer, checker }) => [
        virtualServer,
        realServer,
        checker,
      ]),
      [
        [0, 0, 0],
        [0, 0, 1],
        [0, 2, 0],
        [1, 0, 0],
        [1, 0, 1],
        [1, 2, 0],
      ],
    );
    assert.equal(checkers[2]?.path, "virtualServers.web.realServers.2.checkers.0");
  });

  test("take what a virtual server and a real server say of the time", () => {
    const { checkers } = load({
      web: {
        interval: "2s",
        retries: 3,
        realServers: [
          { server: "192.0.2.11:80", interval: "3s", checkers: [plugin] },
          { server: "192.0.2.12:80", checkers: [{ ...plugin, interval: "4s", warmup: "0s" }] },
        ],
      },
    });
    assert.deepEqual(
      checkers.map(({ intervalMs, warmupMs, timeoutMs, fall, retryDelayMs }) => [
        intervalMs,
        warmupMs,
        timeoutMs,
        fall,
        retryDelayMs,
      ]),
      [
        [3000, 3000, 5000, 4, 1000],
        [4000, 0, 5000, 4, 1000],
      ],
    );
  });

  test("run not too often, and choose themselves where they connect from", () => {
    const said = (checker: object): string => {
      const result = validate({
        web: { realServers: [{ server: "192.0.2.11:80", checkers: [checker] }] },
      });
      return result.ok ? "" : result.diagnostics.map(formatDiagnostic).join("\n");
    };
    assert.match(said({ ...plugin, interval: "5ms" }), /a plugin runs every 10 ms at most/);
    assert.match(said({ ...plugin, sourcePort: 7 }), /sourcePort/);
  });
});

describe("who is told of a virtual server", () => {
  const realServers = [
    { server: "192.0.2.11:80", onUp: command("up"), onDown: command("down") },
    { server: "192.0.2.12:80", mail: false },
  ];
  const web = { realServers, onQuorumDown: command("lost"), mail: true };
  /** Each as "WHOSE events target". */
  const told = (configuration: Configuration): string[] =>
    configuration.notifications.map(({ subject, events, target }) => {
      const whose = "name" in subject ? subject.name : "all";
      const how = target.type === "command" ? target.command.argv.join(" ") : target.type;
      return `${whose} ${events.join(",")} ${how}`;
    });

  test("commands, mail where there is a server for it, and whom notify names", () => {
    const mail = { server: "127.0.0.1", from: "a@example.com", to: ["b@example.com"] } as const;
    const commands = ["192.0.2.11:80 up /bin/told up", "192.0.2.11:80 down /bin/told down"];
    assert.deepEqual(told(load({ web })), [...commands, "web quorum-down /bin/told lost"]);
    assert.deepEqual(told(load({ web: { ...web, notify: [{ plugin: "./n.ts" }] } }, { mail })), [
      ...commands,
      "192.0.2.11:80 up,down mail",
      "web quorum-down /bin/told lost",
      "web quorum-up,quorum-down mail",
      "web up,down,quorum-up,quorum-down plugin",
    ]);
  });

  test("each place knows its own events; the whole configuration tells the director's when asked", () => {
    const refused = validate({ web: { notify: [{ plugin: "./n.ts", on: ["master"] }] } });
    assert.ok(!refused.ok);
    assert.match(refused.diagnostics.map(formatDiagnostic).join("\n"), /notify/);
    const configuration = load(
      { web: {} },
      { notify: [{ plugin: "./n.ts" }, { plugin: "./n.ts", on: ["down", "master"] }] },
    );
    assert.deepEqual(told(configuration), [
      "all master,backup,fault,stop plugin",
      "all down,master plugin",
    ]);
  });

  test("mail: true needs mail", () => {
    const refused = validate({ web: { notify: [{ mail: true }] } });
    assert.ok(!refused.ok);
    assert.match(refused.diagnostics.map(formatDiagnostic).join("\n"), /without mail/);
  });
});
