/** Asks an HAProxy for its statistics: a backend must have enough servers that are up. */
import { defineChecker } from "@karuntime/sdk";
import { isUp, readBackend } from "./statistics.ts";

export default defineChecker({
  permissions: { metrics: true, secrets: ["{passwordSecret}"] },
  options: {
    backend: { type: "string", description: "its name" },
    minUp: { type: "number", default: 1, min: 0, description: "down with fewer servers" },
    path: { type: "string", default: "/;csv", description: "where the statistics are, as CSV" },
    user: { type: "string", default: "", description: "of `stats auth`" },
    passwordSecret: { type: "string", default: "", description: "the secret with the password" },
    timeoutMs: { type: "number", default: 800, min: 1 },
  },
  async check({ target, options, fetch, metrics, secrets, down }) {
    const { backend, minUp, path, user, passwordSecret, timeoutMs } = options;
    const { place } = target;
    const password = passwordSecret === "" ? "" : await secrets.get(passwordSecret);
    const octets = new TextEncoder().encode(`${user}:${password}`);
    const authorization = `Basic ${btoa(String.fromCharCode(...octets))}`;
    try {
      const response = await fetch(`http://${place}${path}`, {
        address: place,
        headers: user === "" ? {} : { authorization },
        signal: AbortSignal.timeout(timeoutMs),
      });
      if (!response.ok) return down(`${path} answered ${response.status}`);
      const { servers, sessions } = readBackend(await response.text(), backend);
      const all = Object.entries(servers);
      const up = all.filter(([, status]) => isUp(status)).length;
      await metrics.gauge("haproxy_servers", all.length, { backend });
      await metrics.gauge("haproxy_servers_up", up, { backend });
      await metrics.gauge("haproxy_sessions", sessions, { backend });
      if (up >= minUp) return undefined;
      const shown = all.map(([name, status]) => `${name} ${status}`).join(", ") || "it has none";
      return down(`${up} servers of ${backend} are up, expected ${minUp} or more: ${shown}`);
    } catch (error) {
      return down(error instanceof Error ? error.message : String(error));
    }
  },
});
