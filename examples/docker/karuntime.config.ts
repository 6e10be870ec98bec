/** The same in TypeScript, with the same variables. */
import { defineConfig, env } from "karuntime/config";

export default defineConfig({
  checks: { check_nginx: { plugin: "./checks/nginx.ts", interval: "2s", weight: 2 } },
  virtualRouters: {
    VI_1: {
      interface: env("KEEPALIVED_INTERFACE"),
      id: 151,
      priority: Number(env("KEEPALIVED_PRIORITY")),
      advertInterval: "2s",
      authentication: { type: "PASS", password: "1111" },
      addresses: [env("KEEPALIVED_VIP")],
      track: { checks: ["check_nginx"] },
    },
  },
});
