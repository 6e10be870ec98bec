/** Looks at a file that others write: its age, its content, or the number in it. */
import { defineCheck } from "@karuntime/sdk";
import { faultOf, weightIn } from "./judge.ts";

export default defineCheck({
  permissions: { files: ["{file}"] },
  options: {
    file: { type: "string", description: "its absolute path" },
    maxAgeSeconds: { type: "number", default: 0, min: 0, description: "0: whatever its age" },
    contains: { type: "string", default: "", description: "a text that has to be in it" },
    pattern: { type: "string", default: "", description: "a regular expression, line by line" },
    weightFactor: {
      type: "number",
      default: 0,
      min: -253,
      max: 253,
      description: "what the number in the file is multiplied with, for the priority; 0: not read",
    },
  },
  async check({ options, files, down, weight }) {
    let content;
    try {
      content = await files.read(options.file);
    } catch (error) {
      // Anything else is not about the file, but about what the plugin may do.
      if (!(error as Error).message.includes("ENOENT")) throw error;
      return down(`${options.file} is missing`);
    }
    const fault = faultOf(content, options, Date.now());
    if (fault !== undefined) return down(`${options.file}: ${fault}`);
    if (options.weightFactor === 0) return undefined;
    const asked = weightIn(content.text, options.weightFactor);
    return asked === "fault" ? down(`${options.file} asks for it`) : weight(asked);
  },
});
