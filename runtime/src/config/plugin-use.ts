/** How a configuration names a plugin, what it is given, and where the file is. */
import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import * as z from "zod";
import { permissions } from "../plugins/manifest.ts";
import type { PluginUse } from "./model.ts";
import type { IpAddress } from "../packet/address.ts";
import { formatEndpoint, parseAddress } from "../packet/address.ts";
import type { CheckTarget } from "../sandbox/protocol.ts";

/** The trust group of the operator's own files. */
export const OPERATOR = "operator";
const PACKAGE_NAME = /^(?:@[a-z0-9~-][\w.~-]*\/)?[a-z0-9~-][\w.~-]*$/;

/** What a check and a notifier have in common. */
export const pluginShape = {
  plugin: z.string().min(1),
  options: z.record(z.string(), z.unknown()).default({}),
  grant: permissions.optional(),
};

/** "192.0.2.1:80" or "[2001:db8::1]:80", and perhaps the virtual service that it stands behind. */
export const checkTarget = z.string().transform((text, context) => {
  const [, inBrackets, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const address = parseAddress(inBrackets ?? plain ?? "");
  if (address !== undefined && Number(port) <= 65_535) return targetAt(address, Number(port), "");
  context.addIssue({
    code: "custom",
    message: `found ${JSON.stringify(text)}, expected an address and a port such as "192.0.2.10:80" or "[2001:db8::10]:80"`,
  });
  return z.NEVER;
});

export function targetAt(address: IpAddress, port: number, virtualService: string): CheckTarget {
  return { address, port, place: formatEndpoint(address, port), virtualService };
}

export function pluginUseOf({ plugin, options, grant }: Omit<PluginUse, "type">): PluginUse {
  return { type: "plugin", plugin, options, grant };
}

export type LocatedPlugin =
  | { readonly ok: true; readonly file: string; readonly package: string | undefined }
  | { readonly ok: false; readonly reason: string };

/** Whether a plugin is named as a package; else it is a file. */
export function isPackage(plugin: string): boolean {
  return PACKAGE_NAME.test(plugin) && !/^\.{0,2}\//.test(plugin) && !/\.[cm]?[jt]s$/.test(plugin);
}

/**
 * Where a plugin's file is: a path relative to the configuration, or a package that is installed for it.
 *
 * @param configuration the configuration's file.
 */
export function locatePlugin(plugin: string, configuration: string): LocatedPlugin {
  const directory = resolve(dirname(configuration));
  if (!isPackage(plugin)) return { ok: true, file: resolve(directory, plugin), package: undefined };
  try {
    const require = createRequire(`${directory}/`);
    // By its name here: what its own package.json says it may choose itself, and with it in whose host it runs.
    return { ok: true, file: require.resolve(plugin), package: plugin };
  } catch {
    return {
      ok: false,
      reason: `found the package ${plugin}, which is not installed for ${directory}: npm install ${plugin}; the file of a plugin begins with "./"`,
    };
  }
}
