/** core-js takes DOMException from the global object, which within a part is a stand-in. */
import type { Load } from "./parts.ts";

declare const load: Load;

Object.assign(globalThis, { DOMException: load("events").DOMException });
