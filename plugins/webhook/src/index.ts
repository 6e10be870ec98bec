/** Posts each event to a URL. */
import { defineNotifier } from "@karuntime/sdk";
import { bodyOf } from "./request.ts";

export default defineNotifier({
  permissions: { net: ["{url}"], secrets: ["{secret}"] },
  options: {
    url: { type: "string", description: "where to" },
    format: { type: "string", choices: ["event", "slack"], default: "event" },
    secret: { type: "string", default: "", description: "the name of a secret to send along" },
    header: { type: "string", default: "authorization", description: "the header it goes into" },
    waitMs: { type: "number", default: 5000, min: 1, max: 20_000, description: "for the answer" },
  },
  async notify(event, { options, fetch, secrets }) {
    const { url, format, secret, header, waitMs } = options;
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(secret === "" ? {} : { [header]: await secrets.get(secret) }),
      },
      body: bodyOf(event, format),
      // A redirected POST would arrive as a GET, or elsewhere with the secret.
      redirect: "error",
      signal: AbortSignal.timeout(waitMs),
    });
    // Throwing has the same event come again.
    if (!response.ok) throw new Error(`the webhook answered ${response.status}`);
  },
});
