/** Migrated configurations compile, load, and come to the same as the keepalived.conf they came from. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Configuration } from "../dist/config/model.js";
import { loadConfiguration } from "../dist/config/load.js";
import { readKeepalived } from "../dist/config/keepalived/read.js";
import { validateConfiguration } from "../dist/config/validate.js";
import { migrate } from "../dist/migrate/migrate.js";
import { hostWith, MAIN_FILE } from "./keepalived.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
/** The originals, where they are at hand; the examples have copies of those that can run. */
const folder = join(root, "../shared/seeds/conf");

const SCRIPTS: Readonly<Record<string, string>> = {
  "/usr/local/sbin/check_ng.sh":
    '#!/bin/bash\nn=`ps -C nginx --no-heading|wc -l`\nif [ $n -eq "0" ]; then\n  systemctl start nginx\n  n2=`ps -C nginx --no-heading|wc -l`\n  if [ $n2 -eq "0" ]; then\n    echo "$d nginx down" >> /var/log/check_ng.log\n    systemctl stop keepalived\n  fi\nfi\n',
  "/etc/keepalived/check_nginx.sh":
    '#!/bin/bash\ncounter=$(ps -C nginx --no-heading|wc -l)\nif [ "${counter}" = "0" ]; then\n/usr/local/bin/nginx\nsleep 2\ncounter=$(ps -C nginx --no-heading|wc -l)\nif [ "${counter}" = "0" ]; then\n/etc/init.d/keepalived stop\nfi\nfi\n',
  "/opt/nginx_pid.sh":
    "#!/bin/bash\nA=`ps -C nginx –no-header |wc -l`\nif [ $A -eq 0 ];then\n/usr/local/nginx/sbin/nginx\nsleep 3\nif [ `ps -C nginx –no-header |wc -l` -eq 0 ];then\nkillall keepalived\nfi\nfi\n",
  "/etc/nginx/check_nginx.sh":
    'count=$(ps -ef |grep nginx |egrep -cv "grep|$$")\nif [ "$count" -eq 0 ];then\n   systemctl stop keepalived\nfi\n',
  "/etc/keepalived/notify.sh":
    'case $1 in\nmaster) echo up | mail -s "$(hostname) is $1" root@localhost;;\nbackup) systemctl stop nginx;;\nesac\n',
  "/etc/keepalived/other.sh": "#!/bin/sh\nfor i in 1 2; do /opt/x */ $i; done\n",
  "/bin/sh": "",
};

/** Besides the seeds: everything that a configuration may have, and scripts of every kind. */
const OWN: Readonly<Record<string, string>> = {
  "everything.conf": `! the head
global_defs {
  router_id R1 # who we are
  notification_email { a@example.com }
  notification_email_from k@example.com
  smtp_server 127.0.0.1
  script_user root
  vrrp_garp_master_repeat 3
}
vrrp_script web {
  script "/usr/bin/killall -0 nginx" # is it there?
  weight -20
}
vrrp_script curl {
  script "/bin/sh -c 'curl -sf -o /dev/null http://127.0.0.1:8080/ || exit 1'"
}
vrrp_script other {
  script /etc/keepalived/other.sh
  init_fail
}
track_file f { file /run/f
 weight 2 }
# the router of the office
vrrp_instance office-1 {
  state BACKUP
  interface eth0 # the wire
  virtual_router_id 51
  priority 100
  version 3
  advert_int 0.5
  nopreempt
  virtual_ipaddress {
    192.0.2.9/24 dev eth1 label eth1:9 # the address
    # and another one
    192.0.2.10/24
  }
  virtual_routes { 198.51.100.0/24 via 192.0.2.1 }
  track_script { web
 curl
 other weight 5 }
  track_file { f }
  notify_master "/etc/keepalived/notify.sh master"
  notify_backup "/etc/keepalived/notify.sh backup"
  notify /etc/keepalived/other.sh
  smtp_alert
}
vrrp_sync_group G { group { office-1 }
 sync_group_tracking_weight }
`,
};

const interfaces = ["eth0", "eth1", "ens33", "ens3", "enp129s0f0"];
const commands = { ...SCRIPTS, "/usr/bin/killall": "", killall: "" };
const originals: Readonly<Record<string, string>> = {
  ...(existsSync(folder)
    ? Object.fromEntries(
        readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")]),
      )
    : {}),
  ...OWN,
};

/** What has to be the same: everything but how a check or a notification is carried out. */
function comparable(configuration: Configuration): unknown {
  const { checks, notifications, virtualRouters, holdings, files, processes, virtualServers } =
    configuration;
  return {
    virtualRouters,
    holdings,
    files,
    processes,
    virtualServers,
    startDelaysAfterBootMs: configuration.startDelaysAfterBootMs,
    checks: checks.map(({ name, intervalMs, timeoutMs, rise, fall, initialState }) => ({
      name,
      intervalMs,
      timeoutMs,
      rise,
      fall,
      initialState,
    })),
    notifications: notifications.map(({ subject, events }) => ({ subject, events })),
  };
}

describe("migrated configurations", () => {
  const project = mkdtempSync(join(root, ".migrate-"));
  after(() => rmSync(project, { recursive: true, force: true }));
  const read = new Map(
    Object.entries(originals).map(([name, text]) => [
      name,
      readKeepalived(MAIN_FILE, hostWith(text, { commands, interfaces }), { lenient: true }),
    ]),
  );

  before(() => {
    symlinkSync(join(root, "node_modules"), join(project, "node_modules"));
    for (const [name, found] of read) {
      for (const file of migrate(found, (path) => SCRIPTS[path], name)) {
        const path = join(project, name, file.name);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, file.text);
      }
    }
    writeFileSync(
      join(project, "tsconfig.json"),
      JSON.stringify({
        extends: join(root, "examples/tsconfig.plugin.json"),
        include: ["**/*.ts"],
      }),
    );
  });

  test("all of them compile", () => {
    const { status, stdout } = spawnSync("tsc", ["-p", "."], { cwd: project, encoding: "utf8" });
    assert.equal(status, 0, stdout);
  });

  for (const [name, found] of read)
    test(`${name}: the same model, every comment kept`, async () => {
      if (Object.keys(found.value.virtualRouters).length === 0) return;
      const expected = validateConfiguration(found.value, name, found.placeOf);
      assert.ok(expected.ok, JSON.stringify(expected));
      const file = join(project, name, "karuntime.config.ts");
      const loaded = await loadConfiguration(file, {});
      assert.deepEqual(comparable(loaded.configuration), comparable(expected.configuration));
      const text = readFileSync(file, "utf8");
      for (const comment of found.comments)
        assert.ok(text.includes(comment.text), `${JSON.stringify(comment.text)} is lost:\n${text}`);
    });

  test("scripts that are understood become plugins, the others run as they are", () => {
    const checks = (name: string) => {
      const path = join(project, "everything.conf", name);
      return existsSync(path) ? readFileSync(path, "utf8") : "";
    };
    assert.match(checks("checks/web.ts"), /processes\.count\("nginx"\)/);
    assert.match(checks("checks/curl.ts"), /net: \["127\.0\.0\.1:8080"\]/);
    assert.match(checks("checks/other.ts"), /exec\(\["\/etc\/keepalived\/other\.sh"\]\)/);
    assert.match(checks("checks/other.ts"), /for i in 1 2; do \/opt\/x \* \/ \$i; done/);
    assert.match(checks("notify/notify.ts"), /await mail\(/);
    assert.match(checks("notify/other.ts"), /"\.\.\."/);
  });
});
