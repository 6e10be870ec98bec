/** From plain data to a Configuration, or to every diagnostic there is. */
import * as z from "zod";
import type { Diagnostic } from "./diagnostic.ts";
import { nearest } from "./diagnostic.ts";
import type { Configuration } from "./model.ts";
import type { Place } from "./keepalived/line.ts";
import { configurationSchema, userConfiguration } from "./schema.ts";

/** Where the value at a path was written. */
export type PlaceOf = (path: readonly PropertyKey[]) => Place | undefined;

export type Validation =
  | {
      readonly ok: true;
      readonly configuration: Configuration;
      readonly warnings: readonly Diagnostic[];
    }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/**
 * Validates what a configuration file exported.
 *
 * @param value plain data, from outside.
 * @param file the configuration's name, for the diagnostics.
 * @param placeOf where values were written, when the file has no paths of its own.
 */
export function validateConfiguration(
  value: unknown,
  file: string,
  placeOf: PlaceOf = () => undefined,
): Validation {
  const result = configurationSchema.safeParse(value, { reportInput: true });
  if (!result.success)
    return {
      ok: false,
      diagnostics: result.error.issues.flatMap((issue) =>
        diagnose(issue, file).map((found) => placed(found, placeOf(issue.path))),
      ),
    };
  const { warnings, ...configuration } = result.data;
  return {
    ok: true,
    configuration,
    warnings: warnings.map(({ path, message }) =>
      placed(
        { severity: "warning", code: "config.surprise", message, file, path: path.join(".") },
        placeOf(path),
      ),
    ),
  };
}

function placed(diagnostic: Diagnostic, place: Place | undefined): Diagnostic {
  return place === undefined ? diagnostic : { ...diagnostic, ...place };
}

function diagnose(issue: z.core.$ZodIssue, file: string): Diagnostic[] {
  const path = issue.path.map(String);
  const at = (where: readonly string[], message: string, hint?: string): Diagnostic => ({
    severity: "error",
    code: "config.schema",
    message,
    file,
    path: where.length === 0 ? "the configuration" : where.join("."),
    ...(hint === undefined ? {} : { hint }),
  });
  switch (issue.code) {
    case "invalid_type":
      return [at(path, `found ${found(issue.input)}, expected ${article(issue.expected)}`)];
    case "unrecognized_keys":
      return issue.keys.map((key) => {
        const meant = nearest(key, knownKeys());
        return at(
          [...path, key],
          "found a key that is not known here",
          meant === undefined ? undefined : `did you mean ${JSON.stringify(meant)}?`,
        );
      });
    case "too_small":
      return [
        at(
          path,
          `found ${found(issue.input)}, expected ${issue.origin === "array" ? `at least ${issue.minimum} of them` : `${issue.minimum} or more`}`,
        ),
      ];
    case "too_big":
      return [
        at(
          path,
          `found ${found(issue.input)}, expected ${issue.origin === "array" ? `at most ${issue.maximum} of them` : `${issue.maximum} or less`}`,
        ),
      ];
    case "invalid_value":
      return [
        at(
          path,
          `found ${found(issue.input)}, expected ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`,
        ),
      ];
    case "invalid_key":
    case "invalid_format":
      return [
        at(
          path,
          `found ${found(issue.input)}; ${issue.code === "invalid_key" ? (issue.issues[0]?.message ?? issue.message) : issue.message}`,
        ),
      ];
    case "invalid_union":
      return [
        at(
          path,
          `${path.at(-1) === "type" ? "" : `found ${found(issue.input)}, `}expected ${UNION_EXPECTATIONS[path.at(-1) ?? ""] ?? UNION_EXPECTATIONS[path.at(-2) ?? ""] ?? "another form"}`,
        ),
      ];
    default:
      return [at(path, issue.message)];
  }
}

/** Every key that any part of a configuration knows, for "did you mean". */
function knownKeys(): ReadonlySet<string> {
  const keys = new Set<string>();
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    for (const [key, value] of Object.entries(node)) {
      if (key === "properties")
        for (const property of Object.keys(value as object)) keys.add(property);
      visit(value);
    }
  };
  visit(z.toJSONSchema(userConfiguration, { io: "input", unrepresentable: "any" }));
  return keys;
}

const UNION_EXPECTATIONS: Readonly<Record<string, string>> = {
  authentication: '{ type: "none" }, "PASS" or "AH" with a password, or "HMAC" with keys',
  type: '"none", "PASS", "AH" or "HMAC"',
  addresses: 'an address such as "192.0.2.10/24", or { address, ... }',
  version: "2 or 3",
  virtualMac: "true, false, or { interface, address, sendFrom }",
  peers: "an address, or { address, minimumTtl, maximumTtl }",
  interfaces: "an interface's name, or { interface, weight }",
  files: "a tracked file's name, or { file, weight }",
  processes: "a tracked process's name, or { process, weight }",
  to: '"default", or a prefix such as "192.0.2.0/24"',
  checks: "a check's name, or { check, weight }",
};

function found(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function article(expected: string): string {
  const words: Readonly<Record<string, string>> = {
    int: "a whole number",
    number: "a number",
    string: "a text",
    boolean: "true or false",
    object: "an object",
    record: "an object",
    array: "a list",
  };
  return words[expected] ?? expected;
}
