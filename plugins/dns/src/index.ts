/** Asks a DNS server for the records of a name: up when it answers as expected. */
import { defineChecker } from "@karuntime/sdk";
import { faultOf } from "./answer.ts";

export default defineChecker({
  options: {
    name: { type: "string", description: "the name to ask for" },
    type: {
      type: "string",
      choices: ["A", "AAAA", "CNAME", "NS", "PTR", "TXT", "MX", "SRV", "SOA", "CAA"],
      default: "A",
    },
    rcode: { type: "string", default: "NOERROR", description: "the code that has to come" },
    answer: { type: "string", default: "", description: "the data of one record of the answer" },
  },
  async check({ target, options, dns, down }) {
    let found;
    try {
      found = await dns(options.name, options.type, { server: target.place });
    } catch (error) {
      return down((error as Error).message);
    }
    const fault = faultOf(found, options);
    if (fault !== undefined) return down(fault);
  },
});
