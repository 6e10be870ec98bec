/** The part of the web that tells what happens: events, signals, and the errors of all other parts. */
export { AbortController, AbortSignal } from "./abort.ts";
export { DOMException } from "./dom-exception.ts";
export { CustomEvent, Event, EventTarget } from "./event-target.ts";
