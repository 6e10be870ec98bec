/**
 * Both nodes use this file; the environment tells them apart:
 *
 *   PRIORITY=100 karuntime start    # on the node that has the address when all is well
 *   PRIORITY=90 karuntime start     # on the other one
 */
import { defineConfig, env } from "karuntime/config";

export default defineConfig({
  // Where systemd runs, `services` may be left out.
  services: { nginx: { start: ["/usr/sbin/nginx"] } },

  checks: { nginx: { plugin: "./checks/nginx.ts", interval: "3s", timeout: "2s" } },

  virtualRouters: {
    VI_1: {
      interface: "ens33",
      id: 51,
      priority: Number(env("PRIORITY", "90")),
      advertInterval: "1s",
      preempt: env("PREEMPT", "yes") === "yes",
      // The original says "aminglinux>com", of which keepalived sends the first 8 octets, as the protocol has room for no more.
      authentication: { type: "PASS", password: "aminglin" },
      addresses: ["192.168.188.100"],
      track: { checks: ["nginx"] },
    },
  },
});
