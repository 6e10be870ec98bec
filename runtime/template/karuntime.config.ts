import { defineConfig, env } from "karuntime/config";

export default defineConfig({
  checks: {
    nginx: {
      plugin: "./checks/nginx.ts",
      options: { url: "http://127.0.0.1/" },
      interval: "2s",
      fall: 2,
    },
  },
  virtualRouters: {
    VI_1: {
      interface: "{{interface}}",
      id: 51,
      // The host that should have the address gets the higher one: PRIORITY=150 karuntime start
      priority: Number(env("PRIORITY", "100")),
      // An address of your network that no host has.
      addresses: ["192.0.2.100/24"],
      track: { checks: ["nginx"] },
    },
  },
});
