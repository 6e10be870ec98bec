/** structuredClone, by core-js. */
import "./clone-errors.ts";
import "core-js/modules/web.structured-clone.js";

export const { structuredClone } = globalThis as unknown as {
  readonly structuredClone: (value: unknown, options?: object) => unknown;
};
