/** Sends a mail for each event, to the receivers in the configuration. */
import { defineNotifier } from "@karuntime/sdk";
import { fillIn } from "./fill-in.ts";

export default defineNotifier({
  permissions: { mail: true },
  options: {
    subject: { type: "string", default: "{router}: {name} is {state}" },
    text: {
      type: "string",
      default: "{at}: {event}. The {type} {name} on {router} is {state}{detail}.\n",
    },
  },
  async notify(event, { options, mail }) {
    await mail({ subject: fillIn(options.subject, event), text: fillIn(options.text, event) });
  },
});
