// Written by `karuntime types`: the options of plugins, for editors and the compiler. Changes of it are lost.
import type { Described, OptionsOf } from "karuntime/config";

declare module "karuntime/config" {
  interface PluginOptions {
    "./checks/nginx.ts": ChecksNginx;
  }
}

interface ChecksNginx extends Described<
  OptionsOf<typeof import("./checks/nginx.ts").default>,
  ChecksNginxDescriptions
> {}

interface ChecksNginxDescriptions {
  /** what is asked */
  readonly url?: unknown;
}
