import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonSchemaOf, typesOf } from "./options-schema.ts";

const options = {
  names: { type: "list", default: [] },
  mode: { type: "string", choices: ["fast", 'the "best"'], description: "how */\n it goes" },
  "slow-ms": { type: "number", min: 1, max: 9, default: 5 },
} satisfies Parameters<typeof jsonSchemaOf>[0];

test("the JSON Schema has types of JSON, and what may be chosen", () => {
  assert.deepEqual(jsonSchemaOf(options), {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties: {
      names: { type: "array", items: { type: "string" }, default: [] },
      mode: { type: "string", enum: ["fast", 'the "best"'], description: "how */\n it goes" },
      "slow-ms": { type: "number", default: 5, minimum: 1, maximum: 9 },
    },
    required: ["mode"],
    additionalProperties: false,
  });
});

test("the declarations are TypeScript, whatever the author's texts are", () => {
  assert.equal(
    typesOf({ kind: "check", options }),
    `/** What the configuration sets. */
export interface Options {
  readonly names?: readonly string[];
  /** how *\\/ it goes */
  readonly mode: "fast" | "the \\"best\\"";
  readonly "slow-ms"?: number;
}
declare const plugin: { readonly kind: "check" };
export default plugin;
`,
  );
});
