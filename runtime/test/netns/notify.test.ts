/** Who is told: scripts, a named pipe, mail and a notifier plugin, from a keepalived.conf, by a daemon in the lab. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startKaruntime } from "../../../lab/src/karuntime.ts";
import { createLab } from "../../../lab/src/lab.ts";
import { ensureLabPrivileges } from "../../../lab/src/privileges.ts";
import { waitFor } from "../../../lab/src/time.ts";

const SMTP_SERVER = fileURLToPath(new URL("../commands/smtp-server.ts", import.meta.url));
const WAIT_MS = 20_000;
const skip = process.getuid?.() === 0 ? false : "needs root";

const CONFIGURATION = `global_defs {
  notification_email { ops@example.com }
  notification_email_from karuntime@example.com
  smtp_server 127.0.0.1 2525
  router_id R1
  vrrp_notify_fifo /run/events
  startup_script "/bin/sh -c 'echo started >>/run/order'"
  shutdown_script "/bin/sh -c 'echo stopped >>/run/order'"
}
vrrp_instance VI_1 {
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority 100
  virtual_ipaddress {
    192.0.2.100/24
  }
  notify_master "/run/told.sh specific"
  notify /run/told.sh
  notify_fault "plugin:./told.ts"
  notify_stop "plugin:./told.ts"
  smtp_alert
}
vrrp_sync_group G {
  group { VI_1 }
  notify "/run/told.sh group"
}
`;
const SCRIPT = '#!/bin/sh\nsleep 0.2\necho "$*" >>/run/told\n';
const PLUGIN = `import { defineNotifier } from "@karuntime/sdk";
export default defineNotifier({
  permissions: { exec: [["/bin/sh", "-c", "..."]], mail: true },
  async notify({ event, subject, state, sequence }, { exec, mail, log }) {
    await exec(["/bin/sh", "-c", \`echo plugin \${event} \${subject.name} \${state} >>/run/told\`]);
    if (event === "fault") await mail({ subject: \`\${subject.name} in FAULT\`, text: "see there" });
    log.info(\`event \${sequence} is done\`);
  },
});
`;

describe("notifications", { skip }, () => {
  test(
    "scripts, pipe, mail and plugin are told of everything, in order",
    { timeout: 120_000 },
    async () => {
      await ensureLabPrivileges();
      const lab = await createLab();
      try {
        const host = await lab.host("node", { address: "192.0.2.1/24", interface: "eth0" });
        host.write("/run/keepalived.conf", CONFIGURATION);
        host.write("/run/told.sh", SCRIPT);
        host.write("/run/told.ts", PLUGIN);
        await host.run(["chmod", "755", "/run/told.sh"]);
        const smtp = await host.spawn([process.execPath, SMTP_SERVER, "2525"]);
        await waitFor("the mail server", () => smtp.output.includes("listening"), WAIT_MS);
        const karuntime = await startKaruntime(host, { configuration: "/run/keepalived.conf" });
        await karuntime.entered("backup", WAIT_MS);
        const pipe = await host.spawn(["cat", "/run/events"]);
        await karuntime.entered("master", WAIT_MS);
        await host.setLink("down");
        await karuntime.entered("fault", WAIT_MS);
        await waitFor("mail of the plugin", () => smtp.output.includes("VI_1 in FAULT"), WAIT_MS);
        await karuntime.stop();
        const told = host.read("/run/told").trim().split("\n");
        const of = (pattern: RegExp): string[] => told.filter((line) => pattern.test(line));
        assert.deepEqual(of(/^INSTANCE/), [
          "INSTANCE VI_1 BACKUP 100",
          "INSTANCE VI_1 MASTER 100",
          "INSTANCE VI_1 FAULT 100",
          "INSTANCE VI_1 STOP 100",
        ]);
        assert.deepEqual(of(/^specific/), ["specific"]);
        assert.deepEqual(of(/^group/), [
          "group GROUP G BACKUP 0",
          "group GROUP G MASTER 0",
          "group GROUP G FAULT 0",
          "group GROUP G STOP 0",
        ]);
        assert.deepEqual(of(/^plugin/), ["plugin fault VI_1 fault", "plugin stop VI_1 stop"]);
        const piped = pipe.output.split("\n").filter((line) => line.startsWith("INSTANCE"));
        assert.deepEqual(piped, [
          'INSTANCE "VI_1" BACKUP 100',
          'INSTANCE "VI_1" MASTER 100',
          'INSTANCE "VI_1" FAULT 100',
          'INSTANCE "VI_1" STOP 100',
        ]);
        const subjects = [...smtp.output.matchAll(/"Subject: ([^"]*)"/g)].map((match) => match[1]);
        assert.deepEqual(
          subjects.toSorted(),
          [
            "VI_1 in FAULT",
            "[R1] VRRP Instance VI_1 - Entering BACKUP state",
            "[R1] VRRP Instance VI_1 - Entering FAULT state",
            "[R1] VRRP Instance VI_1 - Entering MASTER state",
          ].toSorted(),
        );
        assert.equal(host.read("/run/order"), "started\nstopped\n");
        assert.equal((await host.exec(["test", "-e", "/run/events"])).status, 1);
      } finally {
        await lab.close();
      }
    },
  );
});
