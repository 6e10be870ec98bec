/** Options as the runtime takes them: held against their declarations, with the defaults filled in. */
import type { OptionDeclaration, OptionDeclarations } from "../index.ts";

/** @throws Error with everything that is wrong. */
export function fillOptions(
  declarations: OptionDeclarations,
  given: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const wrong = Object.keys(given)
    .filter((name) => !Object.hasOwn(declarations, name))
    .map(
      (name) =>
        `options.${name}: the plugin has no such option; it has ${Object.keys(declarations).join(", ") || "none"}`,
    );
  const values: Record<string, unknown> = {};
  for (const [name, declaration] of Object.entries(declarations)) {
    const value = Object.hasOwn(given, name) ? given[name] : declaration.default;
    const complaint = complain(declaration, value);
    if (complaint === undefined) values[name] = value;
    else wrong.push(`options.${name}: ${complaint}`);
  }
  if (wrong.length > 0) throw new Error(wrong.join("\n"));
  return values;
}

function complain(declaration: OptionDeclaration, value: unknown): string | undefined {
  const { type } = declaration;
  if (value === undefined)
    return `found nothing, expected a ${type}: the plugin has no default for it`;
  if (typeof value !== type) return `found ${JSON.stringify(value)}, expected a ${type}`;
  if (type !== "number") return undefined;
  const { min, max } = declaration;
  const within =
    (value as number) >= (min ?? Number.NEGATIVE_INFINITY) &&
    (value as number) <= (max ?? Number.POSITIVE_INFINITY);
  return within ? undefined : `found ${String(value)}, expected ${min ?? "any"} to ${max ?? "any"}`;
}
