/** The isolates of one bundle: checks that use the same plugin share them, a few in each. */
import { PluginIsolate } from "./isolate.ts";
import type { PluginIsolateOptions } from "./isolate.ts";

/** Each has a context of some 0.3 MB in the isolate's memory, and shares its fate. */
const TENANTS_MAX = 32;

export interface IsolatePool {
  /** An isolate with room for one more. */
  take(): PluginIsolate;
}

export function createIsolatePool(options: PluginIsolateOptions): IsolatePool {
  let present: PluginIsolate | undefined;
  let tenants = 0;
  return {
    take() {
      if (present?.usable !== true || tenants >= TENANTS_MAX) {
        present = new PluginIsolate(options);
        tenants = 0;
      }
      tenants++;
      return present;
    },
  };
}
