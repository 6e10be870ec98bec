/** Shakes hands with a TLS server, and judges its certificate: trusted, made out to the name, and with days left. */
import { defineChecker } from "@karuntime/sdk";
import { daysLeft, faultOf } from "./certificate.ts";

export default defineChecker({
  permissions: { files: ["{ca}"], metrics: true },
  options: {
    serverName: { type: "string", default: "", description: "default: the target's address" },
    verify: { type: "boolean", default: true, description: "whether it must be trusted" },
    ca: { type: "string", default: "", description: "file with whom to trust, in PEM" },
    issuer: { type: "string", default: "", description: "common name that the issuer must have" },
    minVersion: { type: "string", choices: ["TLSv1.2", "TLSv1.3"], default: "TLSv1.2" },
    minDays: { type: "number", default: 0, description: "down with fewer days left" },
    warnDays: { type: "number", default: 14, description: "with fewer, warnWeight counts" },
    warnWeight: { type: "number", default: 0, min: -253, max: 253 },
    timeoutMs: { type: "number", default: 800, min: 1 },
  },
  async check({ target, options, connect, files, metrics, down, weight }) {
    const { address, port } = target;
    const { serverName, verify, minVersion, timeoutMs, warnDays, warnWeight } = options;
    const ca = options.ca === "" ? undefined : (await files.read(options.ca)).text;
    const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), timeoutMs));
    try {
      const shaken = connect(`${address.includes(":") ? `[${address}]` : address}:${port}`, {
        tls: {
          verify,
          minVersion,
          ...(ca === undefined ? {} : { ca }),
          ...(serverName === "" ? {} : { serverName }),
        },
      });
      const connection = await Promise.race([shaken, late]);
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
