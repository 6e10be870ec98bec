/** Asks a web server for its pages, as keepalived's HTTP_GET and SSL_GET do, and judges what it answers. */
import { defineChecker } from "@karuntime/sdk";
import { readTls, tlsOptions } from "../../transport-security.ts";
import { faultOf, readExpectation } from "./expectation.ts";
import { basicAuthorization, readHeaders, readUrl } from "./request.ts";

export default defineChecker({
  permissions: {
    files: ["{ca}", "{certificate}"],
    secrets: ["{passwordSecret}", "{keySecret}"],
  },
  options: {
    paths: { type: "list", default: ["/"], description: "asked for one after the other" },
    host: { type: "string", default: "", description: "virtual host; default: the target" },
    method: { type: "string", choices: ["GET", "HEAD", "POST", "OPTIONS"], default: "GET" },
    body: { type: "string", default: "", description: "sent with POST" },
    headers: { type: "list", default: [], description: 'sent as well, each as "Name: value"' },
    user: { type: "string", default: "", description: "for basic authentication" },
    passwordSecret: { type: "string", default: "", description: "the secret with the password" },
    status: { type: "list", default: ["200-299"], description: "codes and ranges that are good" },
    digests: { type: "list", default: [], description: "MD5 or SHA-256 that the body may have" },
    match: { type: "string", default: "", description: "regular expression for the body" },
    ...tlsOptions,
    timeoutMs: { type: "number", default: 800, min: 1, description: "for each path" },
  },
  async check({ target, options, fetch, files, secrets, down }) {
    const { method, timeoutMs } = options;
    const { place } = target;
    const expectation = readExpectation(options);
    const headers = [...readHeaders(options.headers)];
    if (options.user !== "") {
      const secret = options.passwordSecret;
      const password = secret === "" ? "" : await secrets.get(secret);
      headers.push(basicAuthorization(options.user, password));
    }
    const tls = await readTls(options, { files, secrets });

    for (const path of options.paths) {
      const url = readUrl(options.tls, options.host || place, path);
      let fault: string;
      try {
        const response = await fetch(url, {
          address: place,
          method,
          headers,
          ...(method === "POST" ? { body: options.body } : {}),
          redirect: "manual",
          tls,
          signal: AbortSignal.timeout(timeoutMs),
        });
        fault = faultOf({ status: response.status, body: await response.bytes() }, expectation);
      } catch (error) {
        fault = error instanceof Error ? error.message : String(error);
      }
      if (fault !== "") return down(`${path}: ${fault}`);
    }
    return undefined;
  },
});
