/** URL and URLSearchParams, by whatwg-url. */
import * as whatwg from "whatwg-url/webidl2js-wrapper.js";

/** As much of the two as the other parts use. */
interface Url {
  readonly href: string;
  readonly username: string;
  readonly password: string;
}
interface Interfaces {
  readonly URL: {
    new (url: string, base?: string): Url;
    parse(url: string, base?: string): Url | null;
  };
  readonly URLSearchParams: new (init?: unknown) => object;
}

const installed = { Array, Object, Promise, String, TypeError } as unknown as Interfaces;
whatwg.URL.install(installed, ["Window"]);
whatwg.URLSearchParams.install(installed, ["Window"]);

export const { URL, URLSearchParams } = installed;
