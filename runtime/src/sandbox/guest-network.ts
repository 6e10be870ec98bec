/**
 * `udp`, `dns` and `ping` as a plugin sees them. Like `guest`, it is sent into the isolate as text and refers to nothing
 * outside itself.
 */
import type { GuestTools } from "./guest-capabilities.ts";

/** As much of an AbortSignal as these need. */
interface Signal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void): void;
}

/** What `guestCapabilities` hands it. */
export interface GuestNetworkTools extends Pick<GuestTools, "call" | "cancel" | "whenSettled"> {
  /** One character for each octet: strings alone cross the border. */
  readonly octetsOf: (data: unknown) => string;
  readonly bytesOf: (octets: unknown) => Uint8Array | null;
}

/** What a plugin may give along, of whatever shape it is. */
export interface NetworkInit {
  readonly timeoutMs?: unknown;
  readonly answer?: unknown;
  readonly server?: unknown;
  readonly size?: unknown;
  readonly signal?: Signal;
}

export function guestNetwork(tools: GuestNetworkTools) {
  "use strict";
  const { call, cancel, whenSettled, octetsOf, bytesOf } = tools;
  const PromiseConstructor = Promise;
  const toText = String;

  const numberOr = (value: unknown): number | null => (typeof value === "number" ? value : null);
  const same = (value: unknown): unknown => value;

  /** A call that the plugin's signal ends. */
  function ask(
    capability: string,
    argument: unknown,
    signal: Signal | undefined,
    change: (value: unknown) => unknown,
  ): Promise<unknown> {
    if (signal?.aborted === true) return PromiseConstructor.reject(signal.reason);
    const { id, promise } = call(capability, argument);
    return new PromiseConstructor((resolve, reject) => {
      signal?.addEventListener("abort", () => {
        cancel(id);
        reject(signal.reason);
      });
      whenSettled(promise, (value) => resolve(change(value)), reject);
    });
  }

  return {
    udp(target: unknown, data: unknown, init: NetworkInit = {}): Promise<unknown> {
      const argument = {
        target: toText(target),
        octets: octetsOf(data),
        timeoutMs: numberOr(init.timeoutMs),
        answer: init.answer !== false,
      };
      return ask("udp", argument, init.signal, bytesOf);
    },
    dns(name: unknown, type: unknown, init: NetworkInit = {}): Promise<unknown> {
      const argument = {
        name: toText(name),
        type: toText(type),
        server: init.server === undefined ? null : toText(init.server),
        timeoutMs: numberOr(init.timeoutMs),
      };
      return ask("dns", argument, init.signal, same);
    },
    ping(host: unknown, init: NetworkInit = {}): Promise<unknown> {
      const argument = {
        host: toText(host),
        timeoutMs: numberOr(init.timeoutMs),
        size: numberOr(init.size),
      };
      return ask("ping", argument, init.signal, same);
    },
  };
}
