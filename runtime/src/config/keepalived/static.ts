/** `static_ipaddress`, `static_routes`, `static_rules`: what is there as long as karuntime runs. */
import type { UserAddress, UserConfiguration } from "../define.ts";
import { readAddressLine } from "./address-line.ts";
import type { Context } from "./context.ts";
import type { Globals } from "./global.ts";
import { linesIn } from "./global.ts";
import type { Found, Statement } from "./keyword.ts";
import { readRouteLine, readRuleLine } from "./route-line.ts";

type Lines = readonly Found<readonly Statement[]>[] | undefined;

export interface StaticBlocks {
  readonly static_ipaddress?: Lines;
  readonly static_routes?: Lines;
  readonly static_rules?: Lines;
}

export function staticOf(
  root: StaticBlocks,
  globals: Globals,
  context: Context,
): UserConfiguration["static"] {
  const { report } = context;
  const byDevice = new Map<string, UserAddress[]>();
  for (const statement of linesIn(root.static_ipaddress)) {
    const line = readAddressLine(statement, undefined, context);
    if (line === undefined) continue;
    const { device, ...rest } =
      typeof line.value === "string" ? { address: line.value, device: undefined } : line.value;
    const place = device ?? globals.staticInterface;
    const value = Object.keys(rest).length === 1 ? rest.address : rest;
    byDevice.set(place, [...(byDevice.get(place) ?? []), value]);
  }
  const routes = linesIn(root.static_routes)
    .map((line) => readRouteLine(line, context))
    .filter((route) => route !== undefined);
  const rules = linesIn(root.static_rules)
    .map((line) => readRuleLine(line, report))
    .filter((rule) => rule !== undefined);
  const addresses = [...byDevice].map(([device, list]) => ({ device, addresses: list }));
  if (addresses.length + routes.length + rules.length === 0) return undefined;
  return {
    ...(addresses.length > 0 ? { addresses } : {}),
    ...(routes.length > 0 ? { routes } : {}),
    ...(rules.length > 0 ? { rules } : {}),
  };
}
