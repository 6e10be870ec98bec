import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { brief, readText } from "../../../test/keepalived.ts";
import type { ReadTextOptions } from "../../../test/keepalived.ts";
import { validateConfiguration } from "../validate.ts";

const HEAD = "vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n";
const VIP = " virtual_ipaddress {\n  192.0.2.9/24\n }\n";

/** The one virtual router of an instance with these lines in it, and what is said of it. */
function instance(inside: string, around = "", options: ReadTextOptions = {}) {
  const { value, diagnostics, placeOf } = readText(`${HEAD}${VIP}${inside}\n}\n${around}`, options);
  const validation = validateConfiguration(value, "f", placeOf);
  return {
    router: value.virtualRouters["VI_1"],
    value,
    said: diagnostics.map(({ severity, message }) => `${severity}: ${message}`).join("\n"),
    valid: validation.ok ? true : validation.diagnostics,
  };
}

test("the smallest instance, with keepalived's defaults", () => {
  const { router, said, valid } = instance("");
  assert.deepEqual(router, {
    interface: "eth0",
    id: 51,
    priority: 100,
    addresses: ["192.0.2.9/24"],
  });
  assert.equal(said, "");
  assert.equal(valid, true);
});

describe("defaults that follow from other words", () => {
  const cases: readonly (readonly [string, string, Readonly<Record<string, unknown>>, RegExp?])[] =
    [
      [
        "MASTER without a priority is the owner",
        "state MASTER",
        { priority: 255 },
        /never pre-empted/,
      ],
      [
        "an owner that begins as BACKUP",
        "state BACKUP\npriority 255",
        { priority: 255, initialState: "backup" },
      ],
      ["priority 255 without a state", "priority 255", { priority: 255, initialState: undefined }],
      [
        "a state in small letters",
        "state master\npriority 90",
        { priority: 90 },
        /expected MASTER or BACKUP in capitals/,
      ],
      [
        "nopreempt beside MASTER",
        "state MASTER\npriority 90\nnopreempt",
        { preempt: undefined },
        /no effect beside state MASTER/,
      ],
      ["nopreempt", "nopreempt", { preempt: false }],
      ["preempt_delay", "preempt_delay 2.5", { preemptDelay: "2500ms" }],
      [
        "preempt_delay beside MASTER",
        "state MASTER\npriority 9\npreempt_delay 3",
        { preemptDelay: undefined },
        /no effect/,
      ],
      [
        "an interval below a second in version 2",
        "advert_int 0.3",
        { advertInterval: "1s" },
        /whole seconds, so 1 s it is/,
      ],
      [
        "an interval between seconds in version 2",
        "advert_int 1.5",
        { advertInterval: "2s" },
        /so 2 s it is/,
      ],
      [
        "an interval in version 3",
        "version 3\nadvert_int 0.25",
        { version: 3, advertInterval: "250ms" },
      ],
      [
        "an interval finer than version 3 carries",
        "version 3\nadvert_int 0.123",
        { advertInterval: "120ms" },
        /hundredths/,
      ],
      [
        "a password",
        "authentication {\n auth_type PASS\n auth_pass 1111\n}",
        { authentication: { type: "PASS", password: "1111" } },
      ],
      [
        "a long password",
        "authentication {\n auth_type PASS\n auth_pass aminglinux>com\n}",
        { authentication: { type: "PASS", password: "aminglin" } },
        /only the first 8/,
      ],
      [
        "a password in version 3",
        "version 3\nauthentication {\n auth_type PASS\n auth_pass 1\n}",
        { authentication: undefined },
        /version 3 carries none/,
      ],
      [
        "a password with the characters of comments",
        'authentication {\n auth_type AH\n auth_pass "a#b!c"\n}',
        { authentication: { type: "AH", password: "a#b!c" } },
      ],
      [
        "unicast",
        "unicast_src_ip 192.0.2.1\nunicast_peer {\n 192.0.2.2\n 192.0.2.3 min_ttl 250 max_ttl 255\n}\nunicast_ttl 64\ncheck_unicast_src",
        {
          sourceAddress: "192.0.2.1",
          unicast: {
            peers: ["192.0.2.2", { address: "192.0.2.3", minimumTtl: 250, maximumTtl: 255 }],
            ttl: 64,
            onlyPeers: true,
          },
        },
      ],
      ["mcast_src_ip", "mcast_src_ip 192.0.2.1", { sourceAddress: "192.0.2.1" }],
      ["a group", "mcast_dst_ip 224.0.0.99", { multicast: { group: "224.0.0.99" } }],
      [
        "a virtual MAC",
        "use_vmac vrrp51 02:00:00:00:00:07\nvmac_xmit_base",
        { virtualMac: { interface: "vrrp51", address: "02:00:00:00:00:07", sendFrom: "base" } },
      ],
      ["a virtual MAC without words", "use_vmac", { virtualMac: true }],
      [
        "gratuitous ARP",
        "garp_master_delay 2\ngarp_master_repeat 3\ngarp_master_refresh 60\ngarp_master_refresh_repeat 2\ngarp_lower_prio_repeat 0\ngarp_lower_prio_delay 1",
        {
          gratuitousArp: {
            count: 3,
            repeatAfter: "2s",
            refreshEvery: "60s",
            refreshCount: 2,
            onContention: { count: 0, repeatAfter: "1s" },
          },
        },
      ],
      [
        "booleans",
        "lower_prio_no_advert\nhigher_prio_send_advert yes\nv3_checksum_as_v2 on",
        { answerLowerPriority: false, advertiseBeforeYielding: true, checksum: "message" },
      ],
      [
        "booleans that are off",
        "lower_prio_no_advert off\nhigher_prio_send_advert no\nskip_check_adv_addr false",
        { answerLowerPriority: undefined, advertiseBeforeYielding: undefined },
      ],
      ["missed advertisements", "down_timer_adverts 5", { missedAdvertisements: 5 }],
      ["no_accept", "no_accept", { accept: false }],
      [
        "tracking",
        "dont_track_primary\ntrack_interface {\n eth1 weight -20 reverse\n}",
        {
          track: {
            interface: false,
            interfaces: [{ interface: "eth1", weight: -20, reverse: true }],
          },
        },
      ],
      [
        "excluded addresses, routes and rules",
        "virtual_ipaddress_excluded {\n 2001:db8::9/64\n}\nvirtual_routes {\n default via 192.0.2.1 table 7 metric 5\n blackhole 198.51.100.0/24\n}\nvirtual_rules {\n from 192.0.2.9 table 7 preference 100\n}",
        {
          excludedAddresses: ["2001:db8::9/64"],
          routes: [
            { to: "default", via: "192.0.2.1", table: 7, metric: 5 },
            { type: "blackhole", to: "198.51.100.0/24" },
          ],
          rules: [{ from: "192.0.2.9", table: 7, preference: 100 }],
        },
      ],
      [
        "an HMAC key",
        `auth_hmac {\n key 7 ${"k".repeat(32)}\n active_key 7\n time_window 5\n mode permissive\n}`,
        {
          authentication: {
            type: "HMAC",
            keys: [{ id: 7, key: "k".repeat(32) }],
            activeKey: 7,
            timeWindow: "5s",
            mode: "permissive",
          },
        },
      ],
    ];
  for (const [name, inside, expected, remark] of cases)
    test(name, () => {
      const { router, said, valid } = instance(inside);
      for (const [key, value] of Object.entries(expected))
        assert.deepEqual(router?.[key as keyof typeof router], value, key);
      if (remark === undefined) assert.equal(said, "");
      else assert.match(said, remark);
      assert.doesNotMatch(said, /^error/m);
      assert.equal(valid, true);
    });
});

describe("lines of addresses", () => {
  const cases: readonly (readonly [string, unknown, RegExp?])[] = [
    ["192.0.2.7", ["192.0.2.7"], /no prefix length, so it gets \/32/],
    ["192.0.2.7/33", ["192.0.2.7"], /error: found the prefix length "33"/],
    [
      "192.0.2.7/24 dev eth1 label eth1:7 scope link brd + peer 192.0.2.8",
      [
        {
          address: "192.0.2.7/24",
          device: "eth1",
          label: "eth1:7",
          scope: "link",
          broadcast: "192.0.2.255",
          peer: "192.0.2.8",
        },
      ],
    ],
    ["192.0.2.7/24 dev eth0", ["192.0.2.7/24"]],
    ["192.0.2.7/24 brd -", [{ address: "192.0.2.7/24", broadcast: "192.0.2.0" }]],
    [
      "192.0.2.7/24 noprefixroute preferred_lft 0",
      [{ address: "192.0.2.7/24", noPrefixRoute: true, preferredSeconds: 0 }],
    ],
    [
      "192.0.2.7/24 nonsense",
      ["192.0.2.7/24"],
      /error: found "nonsense", which an address line does not have/,
    ],
    ["192.0.2.7/24 label a_label_that_is_too_long", [], /error: found the label/],
    ["192.0.2.7/24 dev", [], /error: dev: found nothing/],
    ["not_an_address", [], /error: found "not_an_address"/],
    ["192.0.2.7/24\n192.0.2.7/24", ["192.0.2.7/24"], /warning: 192.0.2.7 is listed again/],
    [
      "192.0.2.7/24\nfe80::1/64",
      ["192.0.2.7/24"],
      /error: found fe80::1 in a list that begins with IPv4/,
    ],
    ["fe80::1/64\n2001:db8::1/64", ["fe80::1/64", "2001:db8::1/64"]],
  ];
  for (const [lines, expected, remark] of cases)
    test(lines.replaceAll("\n", ", "), () => {
      const result = readText(`${HEAD} virtual_ipaddress {\n${lines}\n }\n}\n`);
      assert.deepEqual(result.value.virtualRouters["VI_1"]?.addresses ?? [], expected);
      const said = result.diagnostics
        .map((found) => `${found.severity}: ${found.message}`)
        .join("\n");
      if (remark === undefined) assert.equal(said, "");
      else assert.match(said, remark);
    });
});

describe("scripts", () => {
  const script = (
    inside: string,
    commands: Readonly<Record<string, string>> = { "/bin/check": "" },
  ) => instance("track_script {\n chk\n}", `vrrp_script chk {\n${inside}\n}\n`, { commands });

  test("interval, timeout, rise, fall, weight, user, init_fail", () => {
    const { value, valid } = script(
      "script \"/bin/check -a 'b c' \\x41\"\ninterval 0.5\ntimeout 2\nrise 2\nfall 3\nweight -15 reverse\nuser nobody nogroup\ninit_fail",
    );
    assert.deepEqual(value.checks, {
      chk: {
        command: ["/bin/check", "-a", "b c", "A"],
        user: "nobody:nogroup",
        interval: "500ms",
        timeout: "2s",
        rise: 2,
        fall: 3,
        weight: -15,
        reverse: true,
        initialState: "down",
      },
    });
    assert.equal(valid, true);
  });
  test("defined after its use: resolved, with a warning", () => {
    const { value, said } = script("script /bin/check");
    assert.deepEqual(value.virtualRouters["VI_1"]?.track, { checks: ["chk"] });
    assert.match(said, /warning: chk is defined after its use, at line 11/);
  });
  test("a script that is not there is an error, not left out in silence", () => {
    const { said } = script('script "/bin/other"');
    assert.match(said, /error: there is no \/bin\/other on this host/);
  });
  test("curly quotes are straightened", () => {
    const { value, said } = script("script “/bin/check”");
    assert.deepEqual(value.checks?.["chk"], { command: ["/bin/check"] });
    assert.match(said, /warning: found curly quotes/);
  });
  test("arguments without quotes are an error that says how", () => {
    const { said } = script("script /bin/check -0 nginx");
    assert.match(said, /error: found "-0" after the command, where keepalived expects a user/);
  });
  test("what only a shell understands is given to one", () => {
    const { value, said } = script('script "/bin/check && exit 0 || exit 1"');
    assert.deepEqual(value.checks?.["chk"], {
      command: ["/bin/sh", "-c", "/bin/check && exit 0 || exit 1"],
    });
    assert.match(said, /\/bin\/sh run the line/);
  });
  test("a script that stops keepalived is told so", () => {
    const { said } = script("script /bin/check", {
      "/bin/check": "#!/bin/sh\npidof nginx || {\n  systemctl stop keepalived\n}\n",
    });
    assert.match(said, /warning: \/bin\/check line 3 has .*stops keepalived/);
  });
  test("a plugin in the place of a script", () => {
    const { value } = script('script "plugin:./checks/nginx.ts"\nfall 2');
    assert.deepEqual(value.checks?.["chk"], { plugin: "./checks/nginx.ts", fall: 2 });
    const block = script(
      'plugin "karuntime-plugin-redis" {\n port 6379\n role master\n tls true\n}',
    );
    assert.deepEqual(block.value.checks?.["chk"], {
      plugin: "karuntime-plugin-redis",
      options: { port: 6379, role: "master", tls: true },
    });
  });
  test("a name that does not exist", () => {
    const { said } = instance(
      "track_script {\n chk_ngnix\n}",
      "vrrp_script chk_nginx {\n script /bin/check\n}",
      {
        commands: { "/bin/check": "" },
      },
    );
    assert.match(said, /error: there is no vrrp_script named "chk_ngnix"/);
  });
  test("one that nothing tracks is not run", () => {
    const { value, said } = instance("", 'vrrp_script chk {\n script "/bin/none"\n}');
    assert.equal(value.checks, undefined);
    assert.match(said, /warning: no track_script names chk/);
    assert.doesNotMatch(said, /error/);
  });
});

test("who is told: commands for one state, the general command, mail", () => {
  const { router, valid, value } = instance(
    'notify_master "/bin/n up" nobody\nnotify_fault /bin/n\nnotify /bin/n\nsmtp_alert',
    "global_defs {\n notification_email { a@example.com\n b@example.com }\n smtp_server 127.0.0.1 2525\n notification_email_from k@example.com\n router_id R1\n}",
    { commands: { "/bin/n": "" } },
  );
  assert.deepEqual(router?.notify, [
    { on: ["master"], command: ["/bin/n", "up"], user: "nobody" },
    { on: ["fault"], command: ["/bin/n"] },
    { on: ["master", "backup", "fault", "stop"], command: ["/bin/n"], appendEvent: true },
    { on: ["master", "backup", "fault"], mail: true },
  ]);
  assert.deepEqual(value.mail, {
    server: "127.0.0.1",
    port: 2525,
    from: "k@example.com",
    to: ["a@example.com", "b@example.com"],
    routerName: "R1",
  });
  assert.equal(valid, true);
});

test("sync groups, static items, files and processes", () => {
  const { value, said, valid } = instance(
    "track_file {\n f weight 2\n}\ntrack_process {\n p\n}",
    `vrrp_sync_group G { group { VI_1
 VI_2 }
 notify "/bin/n"
 sync_group_tracking_weight }
vrrp_instance VI_2 { interface eth1
 virtual_router_id 52
 virtual_ipaddress { 192.0.2.10/24 } }
track_file f { file /run/f
 weight -3 }
vrrp_track_process p { process "nginx -g" param_match initial
 quorum 2
 delay 1.5 }
static_ipaddress { 198.51.100.1/24 dev eth1 }
static_routes { 203.0.113.0/24 via 198.51.100.2 }
`
      .replace("initial", "\n param_match initial")
      .replace('"nginx -g" param_match \n', '"nginx -g"\n'),
    { commands: { "/bin/n": "" } },
  );
  assert.deepEqual(value.syncGroups?.["G"]?.members, ["VI_1", "VI_2"]);
  assert.deepEqual(value.files, { f: { path: "/run/f", weight: -3 } });
  assert.deepEqual(value.processes, {
    p: {
      name: "nginx",
      arguments: ["-g"],
      match: "initial",
      quorum: 2,
      riseDelay: "1500ms",
      fallDelay: "1500ms",
    },
  });
  assert.deepEqual(value.static, {
    addresses: [{ device: "eth1", addresses: ["198.51.100.1/24"] }],
    routes: [{ to: "203.0.113.0/24", via: "198.51.100.2" }],
  });
  assert.equal(said, "");
  assert.equal(valid, true);
});

describe("weights where they do not count", () => {
  const scripts =
    "vrrp_script a {\n script /bin/a\n weight 5\n}\nvrrp_script b {\n script /bin/a\n}\n";
  const inside = "track_script {\n a\n b\n}\ntrack_interface {\n eth1 weight 5\n}";
  const commands = { "/bin/a": "" };
  const kept = { checks: ["b"], interfaces: ["eth1"] };
  test("in a sync group: scripts go, interfaces mean FAULT", () => {
    const group = "vrrp_sync_group G {\n group {\n VI_1\n }\n}\n";
    const { router, said } = instance(inside, scripts + group, { commands });
    assert.deepEqual(router?.track, kept);
    assert.match(said, /VI_1 does not track a, because it is in the sync group G/);
    assert.match(said, /the weight of eth1 does not count for VI_1/);
  });
  test("for the owner", () => {
    const { router } = instance(`priority 255\n${inside}`, scripts, { commands });
    assert.deepEqual(router?.track, kept);
  });
  test("unless the group says that they do", () => {
    const group = "vrrp_sync_group G {\n group {\n VI_1\n }\n sync_group_tracking_weight\n}\n";
    const { router } = instance(inside, scripts + group, { commands });
    assert.deepEqual(router?.track?.checks, ["a", "b"]);
  });
});

test("delays of interfaces", () => {
  const { router, valid } = instance(
    "track_interface {\n eth1 weight 5\n}",
    "interface_up_down_delays {\n eth0 1.5 3\n eth1 2\n}\n",
  );
  assert.deepEqual(router?.track, {
    interface: false,
    interfaces: [
      { interface: "eth1", weight: 5, fallDelay: "2s", riseDelay: "0s" },
      { interface: "eth0", fallDelay: "1500ms", riseDelay: "3s" },
    ],
  });
  assert.equal(valid, true);
});

describe("scripts that root should not run", () => {
  const run = (globals: string, user = "") =>
    instance(`notify "/tmp/n"${user}`, globals, { commands: { "/tmp/n": "" } }).said;
  test("are warned of, and refused with enable_script_security", () => {
    assert.match(
      run("global_defs {\n script_user root\n}"),
      /warning: \/tmp\/n runs as root, and everybody can write/,
    );
    assert.match(
      run("global_defs {\n enable_script_security\n script_user root\n}"),
      /error: enable_script_security: \/tmp\/n is not run as root/,
    );
    assert.equal(
      run("global_defs {\n enable_script_security\n script_user root\n}", " nobody"),
      "",
    );
  });
  test("users that do not exist are said", () =>
    assert.match(
      run("global_defs {\n script_user missing\n}"),
      /error: there is no user "missing"/,
    ));
});

describe("strictness", () => {
  const strict = "global_defs {\n vrrp_strict\n}\n";
  test("a password and a delay are left out, pinging is warned of", () => {
    const { router, said, valid } = instance(
      "priority 90\nstate BACKUP\npreempt_delay 5\nauthentication {\n auth_type PASS\n auth_pass 1\n}",
      strict,
    );
    assert.equal(router?.authentication, undefined);
    assert.equal(router?.accept, false);
    assert.match(said, /vrrp_strict allows no authentication/);
    assert.match(said, /nobody can ping or connect/);
    assert.match(said, /vrrp_strict allows no preempt_delay/);
    assert.equal(valid, true);
  });
  test("unicast peers are an error; leniently, strictness goes", () => {
    const inside = "unicast_peer {\n 192.0.2.2\n}";
    assert.match(instance(inside, strict).said, /error: vrrp_strict allows no unicast_peer/);
    const lenient = instance(inside, strict, { lenient: true });
    assert.equal(lenient.router?.strict, undefined);
    assert.equal(lenient.valid, true);
  });
});

describe("errors of the kind after which keepalived goes on", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["an unknown keyword", "virtual_router_idd 5", "10:1 error keepalived.unknown-keyword"],
    ["a number out of range", "priority 256", "7:10 error keepalived.value"],
    ["no number", "priority high", "7:10 error keepalived.value"],
    ["a missing parameter", "priority", "7:9 error keepalived.missing-parameter"],
    ["a boolean in capitals", "skip_check_adv_addr TRUE", "7:21 error keepalived.value"],
    [
      "a name too long for an interface",
      "interface an_interface_too_long",
      "7:11 error keepalived.value",
    ],
  ];
  for (const [name, line, expected] of cases)
    test(name, () => {
      const [place, , code] = expected.split(" ");
      const strict = brief(readText(`${HEAD}${VIP}${line}\n}\n`).diagnostics);
      const lenient = brief(readText(`${HEAD}${VIP}${line}\n}\n`, { lenient: true }).diagnostics);
      const at = `7:${place?.split(":")[1] ?? ""}`;
      assert.ok(strict.includes(`${at} error ${code}`), strict.join("; "));
      assert.ok(lenient.includes(`${at} warning ${code}`), lenient.join("; "));
    });
  test("a misspelt keyword is told what was meant", () => {
    const [found] = readText(`${HEAD}${VIP} virtual_router_iD 5\n}\n`).diagnostics;
    assert.equal(found?.hint, 'did you mean "virtual_router_id"?');
  });
  test("a keyword in the wrong block is told where it belongs", () => {
    const [found] = readText(`${HEAD}${VIP} router_id x\n}\n`).diagnostics;
    assert.equal(found?.hint, "it belongs inside global_defs");
  });
});

test("the same id twice on an interface is found at the second one", () => {
  const { value, placeOf } = readText(
    `${HEAD}${VIP}}\nvrrp_instance VI_2 {\n interface eth0\n virtual_router_id 51\n virtual_ipaddress {\n 192.0.2.8/24\n }\n}\n`,
  );
  const validation = validateConfiguration(value, "f", placeOf);
  assert.ok(!validation.ok);
  assert.deepEqual(brief(validation.diagnostics), ["10:2 error config.schema"]);
});

test("a password is not shown", () => {
  const { diagnostics } = readText(
    `${HEAD}${VIP} authentication {\n auth_type PASS\n auth_pass topsecret99 more\n }\n}\n`,
  );
  assert.ok(diagnostics.length > 0);
  assert.doesNotMatch(JSON.stringify(diagnostics), /topsecret99|more/);
});

test("BACKUP with the priority of the MASTER beside it", () => {
  const two = (priority: number) =>
    readText(
      `${HEAD}${VIP} state MASTER\n priority 100\n}\nvrrp_instance VI_2 {\n state BACKUP\n priority ${priority}\n interface eth0\n virtual_router_id 52\n virtual_ipaddress {\n 192.0.2.8/24\n }\n}\n`,
    ).diagnostics.map(({ code }) => code);
  assert.deepEqual(two(100), ["keepalived.equal-priorities"]);
  assert.deepEqual(two(90), []);
});
