import { defineNotifier } from "@karuntime/sdk";

export default defineNotifier({
  permissions: { net: ["{url}"] },
  options: { url: { type: "string", description: "where the event is sent to" } },
  async notify(event, { fetch, options }) {
    const response = await fetch(options.url, { method: "POST", body: JSON.stringify(event) });
    if (!response.ok) throw new Error(`it answered ${response.status}`);
  },
});
