/** The packages of these parts that bring no types, as far as they are used. */

declare module "whatwg-url/webidl2js-wrapper.js" {
  export const URL: Installable;
  export const URLSearchParams: Installable;
  interface Installable {
    install(global: object, names: readonly string[]): void;
  }
}

declare module "tr46" {
  export interface Options {
    readonly checkHyphens?: boolean;
    readonly checkBidi?: boolean;
    readonly checkJoiners?: boolean;
    readonly useSTD3ASCIIRules?: boolean;
    readonly verifyDNSLength?: boolean;
    readonly transitionalProcessing?: boolean;
    readonly ignoreInvalidPunycode?: boolean;
  }
  export function toASCII(domain: string, options: Options): string | null;
  export function toUnicode(
    domain: string,
    options: Options,
  ): { readonly domain: string; readonly error: boolean };
}

declare module "core-js/modules/web.structured-clone.js" {}
