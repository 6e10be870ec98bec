/** Shakes hands with a TLS server, and judges its certificate: trusted, made out to the name, and with days left. */
import { defineChecker } from "@karuntime/sdk";
import { certificateOptions, readTls } from "../../transport-security.ts";
import { daysLeft, faultOf } from "./certificate.ts";

export default defineChecker({
  permissions: { files: ["{ca}", "{certificate}"], secrets: ["{keySecret}"], metrics: true },
  options: {
    ...certificateOptions,
    issuer: { type: "string", default: "", description: "common name that the issuer must have" },
    minDays: { type: "number", default: 0, description: "down with fewer days left" },
    warnDays: { type: "number", default: 14, description: "with fewer, warnWeight counts" },
    warnWeight: { type: "number", default: 0, min: -253, max: 253 },
    timeoutMs: { type: "number", default: 800, min: 1 },
  },
  async check({ target, options, connect, files, secrets, metrics, down, weight }) {
    const { timeoutMs, warnDays, warnWeight } = options;
    const tls = await readTls(options, { files, secrets });
    const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), timeoutMs));
    try {
      const connection = await Promise.race([connect(target.place, { tls }), late]);
      if (connection === null) return down(`no handshake within ${timeoutMs} ms`);
      const { certificate } = connection;
      if (certificate === null) return down("it showed no certificate");
      const days = daysLeft(certificate, Date.now());
      await metrics.gauge("certificate_days_left", Math.floor(days));
      const fault = faultOf(certificate, days, options);
      if (fault !== "") return down(fault);
      return days < warnDays && warnWeight !== 0 ? weight(warnWeight) : undefined;
    } catch (error) {
      return down(error instanceof Error ? error.message : String(error));
    }
  },
});
