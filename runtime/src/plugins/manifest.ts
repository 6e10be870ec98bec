/** What a plugin declares, read from its evaluated definition: its kind, its permissions and its options. */
import { isIP } from "node:net";
import * as z from "zod";
import type { Diagnostic } from "../config/diagnostic.ts";
import type { JsonValue, Permissions } from "../sandbox/protocol.ts";
import { SERVICE_ACTIONS } from "../sandbox/protocol.ts";

/** An option that stands for a whole entry, or, with "...", for each of a list. */
const OPTION = /^\{\w+(?:\.\.\.)?\}$/;
/** Options may stand in it: "{host}:{port}". */
const HOST_AND_PORT =
  /^(?:(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\]|\{\w+\}):(?:\d{1,5}|\{\w+\})|\{\w+(?:\.\.\.)?\})$/;

/** A name or an address, or an option that is one. */
function isHost(text: string): boolean {
  const zoneless = isIP(text) === 6 && !text.includes("%");
  return zoneless || OPTION.test(text) || /^[A-Za-z0-9.-]{1,253}$/.test(text);
}

function isDnsServer(text: string): boolean {
  const address = /^(?:\[(.+)\]|([^[\]:]+)):(?:\d{1,5}|\{\w+\})$/.exec(text);
  const host = address?.[1] ?? address?.[2] ?? "";
  return text === "system" || isIP(host) !== 0 || OPTION.test(address === null ? text : host);
}

/** What a plugin asks for, and what an operator grants. */
export const permissions = z.strictObject({
  processes: z.array(z.string().min(1).max(15)).max(64).default([]),
  services: z.record(z.string().min(1).max(64), z.array(z.enum(SERVICE_ACTIONS))).default({}),
  net: z
    .array(z.string().max(300).regex(HOST_AND_PORT, 'expected "host:port"'))
    .max(256)
    .default([]),
  exec: z
    .array(
      z
        .array(z.string().max(4096))
        .min(1)
        .max(100)
        .refine(
          ([file = ""]) => (file.startsWith("/") && !file.includes("\0")) || OPTION.test(file),
          "expected the command's absolute path first, then its arguments",
        ),
    )
    .max(64)
    .default([]),
  mail: z.boolean().default(false),
  files: z
    .array(
      z
        .string()
        .max(4096)
        .regex(
          /^(?:\/|\{\w+(?:\.\.\.)?\}$)(?!.*(?:^|\/)\.{1,2}(?:\/|$))[^\0]*$/,
          "expected an absolute path without . and ..",
        ),
    )
    .max(64)
    .default([]),
  system: z.boolean().default(false),
  udp: z.array(z.string().regex(HOST_AND_PORT, 'expected "host:port"')).max(256).default([]),
  dns: z
    .array(z.string().refine(isDnsServer, 'expected "address:port" or "system"'))
    .max(64)
    .default([]),
  ping: z.array(z.string().refine(isHost, "expected a name or an address")).max(256).default([]),
  store: z.boolean().default(false),
  metrics: z.boolean().default(false),
  secrets: z.array(z.string().min(1).max(64)).max(64).default([]),
});

/** A grant of nothing. */
export const NOTHING: Permissions = permissions.parse({});

const description = z.string().optional();
const option = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("string"),
    default: z.string().optional(),
    choices: z.array(z.string()).min(1).optional(),
    description,
  }),
  z.strictObject({
    type: z.literal("list"),
    default: z.array(z.string()).optional(),
    description,
  }),
  z.strictObject({
    type: z.literal("number"),
    default: z.number().optional(),
    min: z.number().optional(),
    max: z.number().optional(),
    description,
  }),
  z.strictObject({ type: z.literal("boolean"), default: z.boolean().optional(), description }),
]);

const manifest = z.strictObject({
  kind: z.enum(["check", "checker", "notifier"]),
  permissions: permissions.prefault({}),
  options: z.record(z.string(), option).default({}),
});

export type OptionDeclaration = z.infer<typeof option>;

export interface Manifest {
  readonly kind: "check" | "checker" | "notifier";
  readonly permissions: Permissions;
  readonly options: Readonly<Record<string, OptionDeclaration>>;
}

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** Reads what a plugin's default export came to, as plain data. */
export function parseManifest(value: unknown, file: string): Parsed<Manifest> {
  const diagnostic = (message: string, path?: string): Diagnostic => ({
    severity: "error",
    code: "plugin.manifest",
    message,
    file,
    ...(path === undefined ? {} : { path }),
  });
  if (typeof value !== "object" || value === null || !("kind" in value)) {
    return {
      ok: false,
      diagnostics: [
        {
          ...diagnostic("the default export is no plugin"),
          hint: "export default defineCheck({ ... }), defineChecker({ ... }) or defineNotifier({ ... }), from @karuntime/sdk",
        },
      ],
    };
  }
  const result = manifest.safeParse(value);
  if (result.success) return { ok: true, value: result.data };
  return {
    ok: false,
    diagnostics: result.error.issues.map((issue) =>
      diagnostic(issue.message, issue.path.map(String).join(".")),
    ),
  };
}

/** Checks the configured options against the declarations and fills in the defaults. */
export function parseOptions(
  declarations: Manifest["options"],
  given: Readonly<Record<string, unknown>>,
  place: { readonly file: string; readonly path: string },
): Parsed<Readonly<Record<string, JsonValue>>> {
  const diagnostics: Diagnostic[] = [];
  const report = (name: string, message: string): void =>
    void diagnostics.push({
      severity: "error",
      code: "config.options",
      message,
      file: place.file,
      path: `${place.path}.${name}`,
    });
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(declarations, name))
      report(
        name,
        `the plugin has no such option; it has ${Object.keys(declarations).join(", ") || "none"}`,
      );
  }
  const values: Record<string, JsonValue> = {};
  for (const [name, declaration] of Object.entries(declarations)) {
    const value = Object.hasOwn(given, name) ? given[name] : declaration.default;
    if (value === undefined)
      report(
        name,
        `found nothing, expected a ${declaration.type}: the plugin has no default for it`,
      );
    else if (!hasType(value, declaration.type))
      report(
        name,
        `found ${JSON.stringify(value)}, expected a ${declaration.type}${declaration.type === "list" ? " of strings" : ""}`,
      );
    else if (
      declaration.type === "string" &&
      declaration.choices?.includes(value as string) === false
    )
      report(
        name,
        `found ${JSON.stringify(value)}, expected one of ${declaration.choices.join(", ")}`,
      );
    else if (declaration.type === "number" && !within(value as number, declaration))
      report(
        name,
        `found ${String(value)}, expected ${declaration.min ?? "any"} to ${declaration.max ?? "any"}`,
      );
    else values[name] = value as JsonValue;
  }
  return diagnostics.length > 0 ? { ok: false, diagnostics } : { ok: true, value: values };
}

function hasType(value: unknown, type: OptionDeclaration["type"]): boolean {
  return type === "list"
    ? Array.isArray(value) && value.every((entry) => typeof entry === "string")
    : typeof value === type;
}

function within(
  value: number,
  { min, max }: Extract<OptionDeclaration, { type: "number" }>,
): boolean {
  return value >= (min ?? Number.NEGATIVE_INFINITY) && value <= (max ?? Number.POSITIVE_INFINITY);
}
