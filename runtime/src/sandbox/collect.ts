/**
 * Texts that come out of isolates lie outside of this process' own heap, so that the engine does not see them grow and
 * collects them only when something else makes it. A plugin that writes much would fill the memory with what is long forgotten.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const CHARACTERS_MAX = 8 * 1024 * 1024;
/** Shorter ones cost no more than what this process makes itself; collecting for them would stop ten thousand checks for nothing. */
const LONG_CHARACTERS = 1024;

// The flag holds for every context that is made meanwhile: it is taken back before there is an isolate.
setFlagsFromString("--expose-gc");
/** Gives back what is forgotten. It takes some tens of milliseconds. */
export const collect = runInNewContext("gc") as () => void;
setFlagsFromString("--no-expose-gc");

let passed = 0;

/** Counts a text that came out of an isolate, and collects what is forgotten when there were many. */
export function countText(text: string): void {
  if (text.length < LONG_CHARACTERS) return;
  passed += text.length;
  if (passed < CHARACTERS_MAX) return;
  passed = 0;
  collect();
}
