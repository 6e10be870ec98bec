import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readText } from "../../../test/keepalived.ts";
import { validateConfiguration } from "../validate.ts";

const ROUTER =
  "vrrp_instance V {\n interface eth0\n virtual_router_id 1\n virtual_ipaddress {\n 192.0.2.9/24\n }\n}\n";

function read(text: string, lenient = false) {
  const { value, diagnostics, placeOf } = readText(`${ROUTER}${text}`, {
    lenient,
    commands: { "/bin/up": "" },
  });
  const validation = validateConfiguration(value, "f", placeOf);
  return {
    servers: value.virtualServers ?? {},
    said: diagnostics.map(({ severity, message }) => `${severity}: ${message}`).join("\n"),
    model: validation.ok ? validation.configuration.virtualServers : validation.diagnostics,
  };
}

const real = (inside: string): string =>
  `virtual_server 192.0.2.9 80 {\n protocol TCP\n lb_kind DR\n real_server 192.0.2.21 80 {\n${inside}\n }\n}\n`;

test("a virtual server of a tutorial", () => {
  const { servers, said, model } = read(`virtual_server 192.168.166.100 80 {
    delay_loop 6
    lb_algo rr
    lb_kind DR
    nat_mask 255.255.255.0
    protocol TCP
    sorry_server 127.0.0.1 80
    real_server 192.168.166.129 80 {
        weight 1
        HTTP_GET {
            url {
              path /
              status_code 200
            }
            connect_timeout 1
            nb_get_retry 3
            delay_before_retry 1
        }
    }
  }`);
  assert.deepEqual(servers, {
    "192.168.166.100 80": {
      services: ["192.168.166.100:80"],
      protocol: "TCP",
      interval: "6s",
      scheduler: "rr",
      forwarding: "DR",
      sorryServer: { server: "127.0.0.1:80" },
      realServers: [
        {
          server: "192.168.166.129:80",
          weight: 1,
          checkers: [
            {
              type: "http",
              retryDelay: "1s",
              timeout: "1s",
              retries: 3,
              urls: [{ path: "/", statusCodes: ["200"] }],
            },
          ],
        },
      ],
    },
  });
  assert.match(said, /warning: nat_mask: keepalived has no such keyword/);
  assert.match(said, /warning: nb_get_retry is the old name of retry/);
  assert.doesNotMatch(said, /error/);
  const [server] = model as readonly { realServers: readonly { checkers: readonly unknown[] }[] }[];
  assert.deepEqual(server?.realServers[0]?.checkers[0], {
    type: "http",
    tls: false,
    protocol: "1.0",
    host: undefined,
    serverName: undefined,
    fastRecovery: false,
    urls: [
      {
        path: "/",
        digest: undefined,
        statusCodes: [{ first: 200, last: 200 }],
        host: undefined,
        pattern: undefined,
      },
    ],
    intervalMs: 6000,
    retries: 3,
    retryDelayMs: 1000,
    warmupMs: 6000,
    timeoutMs: 1000,
    startsDown: false,
    address: undefined,
    port: undefined,
    sourceAddress: undefined,
    sourcePort: undefined,
    interface: undefined,
    mark: undefined,
  });
});

test("every keyword of a virtual server and a real server", () => {
  const { servers, said, model } = read(`virtual_server_group G {
    192.0.2.9 80
    192.0.2.30-39 443
    fwmark 7 inet
  }
  virtual_server group G {
    delay_loop 2.5
    lvs_sched mh
    mh-port
    mh-fallback
    lvs_method TUN type gue port 6080 csum
    persistence_timeout 50
    persistence_granularity 255.255.255.0
    persistence_engine sip
    protocol udp
    ops
    ha_suspend
    smtp_alert on
    virtualhost www.example.com
    alpha
    omega
    quorum 2
    hysteresis 1
    quorum_up "/bin/up a" nobody
    quorum_down /bin/up
    retry 2
    delay_before_retry 1
    warmup 3
    connect_timeout 4
    inhibit_on_failure
    weight 5
    sorry_server 192.0.2.99 8080
    sorry_server_inhibit
    sorry_server_lvs_method NAT
    real_server 192.0.2.21 53 {
      weight 3
      lvs_method NAT
      uthreshold 100
      lthreshold 50
      inhibit_on_failure off
      notify_up /bin/up
      notify_down "/bin/up down"
      smtp_alert no
      alpha no
      UDP_CHECK { payload 0a0b
 require_reply 01xx
 min_reply_length 2
 max_reply_length 9 }
      DNS_CHECK { type A
 name example.com }
      PING_CHECK { connect_ip 192.0.2.1
 bindto 192.0.2.2
 fwmark 9 }
      TCP_CHECK { connect_port 99
 bind_if eth0 }
      SMTP_CHECK { helo_name me }
      MISC_CHECK { misc_path "/bin/up x"
 misc_timeout 2
 misc_dynamic
 user nobody }
      SSL_GET { url { path /a
 digest ff20ad2481f97b1754ef3e12ecd3a9cc
 regex "a.*b"
 regex_options caseless
 regex_no_match }
 url { path /b
 status_code 200-299 404 }
 enable_sni
 sni_name tls.example.com
 http_protocol 1.1
 fast_recovery }
    }
  }`);
  const server = servers["group G"];
  assert.deepEqual(server?.services, [
    "192.0.2.9:80",
    { first: "192.0.2.30", last: "192.0.2.39", port: 443 },
    { mark: 7, family: "ipv4" },
  ]);
  assert.deepEqual(server?.forwarding, {
    type: "TUN",
    encapsulation: "gue",
    port: 6080,
    checksum: "checksum",
  });
  assert.deepEqual(server?.persistence, { timeout: "50s", granularity: 24, engine: "sip" });
  assert.deepEqual(server?.schedulerFlags, ["mh-port", "mh-fallback"]);
  const [first] = server?.realServers ?? [];
  assert.deepEqual(first?.checkers?.map(({ type }) => type).toSorted(), [
    "command",
    "dns",
    "https",
    "ping",
    "smtp",
    "tcp",
    "udp",
  ]);
  assert.equal(said, "");
  assert.ok(!("code" in (model[0] ?? {})), JSON.stringify(model));
});

describe("what keepalived adjusts is said", () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    [
      "no protocol",
      real("").replace(" protocol TCP\n", ""),
      /warning: found no protocol; keepalived takes UDP/,
    ],
    [
      "no forwarding method",
      real("").replace(" lb_kind DR\n", ""),
      /warning: found no lb_kind; keepalived takes NAT/,
    ],
    [
      "a quorum out of reach",
      real("").replace("lb_kind", "quorum 5\n lb_kind"),
      /warning: found the quorum 5, and all weights come to 1: 1 is used/,
    ],
    [
      "a hysteresis too wide",
      real("").replace("lb_kind", "hysteresis 5\n lb_kind"),
      /warning: found the hysteresis 5/,
    ],
    [
      "no real server",
      "virtual_server 192.0.2.9 80 {\n protocol TCP\n}\n",
      /error: found a virtual_server without a real_server/,
    ],
    ["an HTTP check without a url", real("HTTP_GET {\n}"), /error: HTTP_GET has no url/],
    [
      "an unknown scheduler",
      real("").replace("lb_kind", "lb_algo rrr\n lb_kind"),
      /error: found "rrr", expected rr or wrr/,
    ],
    [
      "a status that is none",
      real("HTTP_GET {\n url {\n path /\n status_code 99\n }\n}"),
      /error: found "99", expected a status/,
    ],
    [
      "a group that does not exist",
      "virtual_server group X {\n real_server 192.0.2.1 80 {\n }\n}\n",
      /no usable virtual_server_group named "X"/,
    ],
    [
      "gue without a port",
      real("").replace("lb_kind DR", "lb_kind TUN type gue"),
      /error: found gue without a port/,
    ],
  ];
  for (const [name, text, expected] of cases)
    test(name, () => assert.match(read(text).said, expected));
  test("a real port that DR cannot change", () => {
    const { model } = read(real("").replace("192.0.2.21 80", "192.0.2.21 8080"));
    const [server] = model as readonly { realServers: readonly { port: number }[] }[];
    assert.equal(server?.realServers[0]?.port, 80);
  });
});

test("a plugin as MISC_CHECK checks the real server", () => {
  const { servers, said } = read(
    real('MISC_CHECK {\n misc_path "plugin:./checks/redis.ts"\n misc_timeout 2\n retry 3\n}'),
  );
  assert.deepEqual(servers["192.0.2.9 80"]?.realServers[0]?.checkers, [
    { type: "plugin", plugin: "./checks/redis.ts", retries: 3, timeout: "2s" },
  ]);
  assert.doesNotMatch(said, /plugin/);
});

test("pipes and mail for the events of real servers", () => {
  const { value } = readText(
    `global_defs {
  notify_fifo /run/all
  vrrp_notify_fifo /run/vrrp
  lvs_notify_fifo /run/lvs
  lvs_notify_fifo_script "/bin/up reader"
  smtp_alert
  smtp_alert_checker no
}
${ROUTER}${real("")}`,
    { commands: { "/bin/up": "" } },
  );
  const director = ["up", "down", "quorum-up", "quorum-down"];
  const vrrp = ["master", "backup", "fault", "stop", "contended"];
  assert.deepEqual(value.notify, [
    { on: [...vrrp, ...director], fifo: "/run/all" },
    { on: vrrp, fifo: "/run/vrrp" },
    { on: director, fifo: "/run/lvs", reader: { command: ["/bin/up", "reader"] } },
  ]);
  const server = value.virtualServers?.["192.0.2.9 80"];
  assert.deepEqual([server?.mail, server?.realServers[0]?.mail], [false, false]);
});
