/** The two programs that are measured, behind the same few verbs. */
import type { Host } from "@karuntime/lab/host.ts";
import { startKaruntime } from "@karuntime/lab/karuntime.ts";
import { startKeepalived } from "@karuntime/lab/keepalived.ts";

export const VIRTUAL_ADDRESS = "192.168.188.100";

export interface StartOptions {
  readonly id: number;
  readonly priority: number;
  readonly address?: string;
  /** Below a second in version 3. Default 1000. */
  readonly advertIntervalMs?: number;
  /** How many checks of nginx run once a second; none by default. */
  readonly checks?: number;
  /** A process without which the host gives the address up; asked for once a second by those who have to ask. */
  readonly watched?: string;
}

export interface Contender {
  readonly name: "keepalived" | "karuntime";
  /** Starts it on a host on which nothing else runs but what the measurement needs. */
  start(host: Host, options: StartOptions): Promise<{ stop(): Promise<void> }>;
}

/* check_ng.sh of the first scenario, as far as it runs while nginx is healthy: the date for its log, and the count. */
const SEED_SCRIPT = `#!/bin/bash
d=\`date --date today +%Y%m%d_%H:%M:%S\`
n=\`ps -C nginx --no-heading|wc -l\`
if [ $n -eq "0" ]; then
        exit 1
fi
`;

const PLUGIN = `import { defineCheck } from "@karuntime/sdk";
export default defineCheck({
  permissions: { processes: ["nginx"] },
  async check({ processes, down }) {
    if ((await processes.count("nginx")) === 0) return down("nginx does not run");
  },
});
`;

const WATCHING_PLUGIN = `import { defineCheck } from "@karuntime/sdk";
export default defineCheck({
  permissions: { processes: ["PROCESS"] },
  async check({ processes, down }) {
    if ((await processes.watch("PROCESS")) === 0) return down("PROCESS does not run");
  },
});
`;

export const keepalived: Contender = {
  name: "keepalived",
  async start(host, options) {
    const { id, priority, address = VIRTUAL_ADDRESS, checks = 0 } = options;
    const { advertIntervalMs = 1000, watched } = options;
    const watching = "/run/bench/watch.sh";
    if (watched !== undefined) {
      host.write(watching, SEED_SCRIPT.replace("nginx", watched));
      await host.run(["chmod", "755", watching]);
    }
    const script = "/run/bench/check_ng.sh";
    host.write(script, SEED_SCRIPT);
    await host.run(["chmod", "755", script]);
    return startKeepalived(host, {
      id,
      priority,
      addresses: [address],
      version: versionFor(advertIntervalMs),
      advertIntervalSeconds: advertIntervalMs / 1000,
      scripts: [
        ...Array.from({ length: checks }, (_, index) => ({
          name: `check${index}`,
          command: script,
          intervalSeconds: 1,
        })),
        ...(watched === undefined
          ? []
          : [{ name: "watch", command: watching, intervalSeconds: 1 }]),
      ],
    });
  },
};

export const karuntime: Contender = {
  name: "karuntime",
  async start(host, options) {
    const { id, priority, address = VIRTUAL_ADDRESS, checks = 0 } = options;
    const { advertIntervalMs = 1000, watched } = options;
    const names = Array.from({ length: checks }, (_, index) => `check${index}`);
    if (watched !== undefined)
      host.write("/run/bench/watch.ts", WATCHING_PLUGIN.replaceAll("PROCESS", watched));
    const watch = watched === undefined ? {} : { watch: { plugin: "./watch.ts", interval: "1s" } };
    const configuration = {
      checks: {
        ...Object.fromEntries(
          names.map((name) => [name, { plugin: "./check.ts", interval: "1s" }]),
        ),
        ...watch,
      },
      virtualRouters: {
        VI_1: {
          interface: host.interface,
          id,
          priority,
          addresses: [address],
          version: versionFor(advertIntervalMs),
          advertInterval: `${advertIntervalMs}ms`,
          track: { checks: [...names, ...Object.keys(watch)] },
        },
      },
    };
    host.write("/run/bench/check.ts", PLUGIN);
    host.write(
      "/run/bench/karuntime.config.ts",
      `export default ${JSON.stringify(configuration)};\n`,
    );
    const daemon = await startKaruntime(host, { configuration: "/run/bench/karuntime.config.ts" });
    return { stop: async () => void (await daemon.stop()) };
  },
};

function versionFor(advertIntervalMs: number): 2 | 3 {
  return advertIntervalMs < 1000 ? 3 : 2;
}

export const contenders: readonly Contender[] = [keepalived, karuntime];
