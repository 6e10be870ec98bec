/**
 * The script that every context of an isolate begins with, as text: the guest's functions, which call each other by their
 * names, and what hands them what the host has left for them on the global object.
 */
import { guest } from "./guest.ts";
import { guestCapabilities } from "./guest-capabilities.ts";
import { guestNetwork } from "./guest-network.ts";
import { guestWeb } from "./guest-web.ts";

export const bootstrap = `(() => {
  "use strict";
  const guestNetwork = ${guestNetwork.toString()};
  const guestCapabilities = ${guestCapabilities.toString()};
  const guestWeb = ${guestWeb.toString()};
  const guest = ${guest.toString()};
  const { given, parts } = globalThis;
  delete globalThis.given;
  delete globalThis.parts;
  const entries = guest(...JSON.parse(given), parts);
  return (entry, ...texts) => entries[entry](...texts);
})()`;
