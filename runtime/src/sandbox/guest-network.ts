/**
 * `connect`, `udp`, `dns` and `ping` as a plugin sees them. Like `guest`, it is sent into the isolate as text and refers to
 * nothing outside itself. The streams of a connection are a part of the web's interfaces, loaded when they are first touched.
 */
import type { GuestTools } from "./guest-capabilities.ts";
import type { SocketStreams, Transport } from "./web/socket-streams.ts";

/** As much of an AbortSignal as these need. */
interface Signal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void): void;
}

/** What `guestCapabilities` hands it. */
export interface GuestNetworkTools extends Omit<GuestTools, "limited"> {
  readonly map: (
    promise: Promise<unknown>,
    change: (value: unknown) => unknown,
  ) => Promise<unknown>;
  /** One character for each octet: strings alone cross the border. */
  readonly octetsOf: (data: unknown) => string;
  readonly bytesOf: (octets: unknown) => Uint8Array | null;
  /** What a plugin says about TLS, as plain texts. */
  readonly tlsOf: (given: unknown) => object;
}

/** What a plugin may give along, of whatever shape it is. */
export interface NetworkInit {
  readonly timeoutMs?: unknown;
  readonly answer?: unknown;
  readonly server?: unknown;
  readonly size?: unknown;
  readonly signal?: Signal;
}

/** The same for `connect`. */
export interface ConnectInit {
  readonly tls?: unknown;
  readonly secureTransport?: unknown;
  readonly allowHalfOpen?: unknown;
  readonly sni?: unknown;
  readonly alpn?: unknown;
}

/** What the host tells of a connection that is open. */
interface Opened {
  readonly id: number;
  readonly certificate: object | null;
  readonly remoteAddress: string | null;
  readonly localAddress: string | null;
  readonly alpn: string | null;
}

/** What a socket begins with. */
interface Beginning {
  readonly secureTransport: "off" | "on" | "starttls";
  readonly allowHalfOpen: boolean;
  /** What is asked of TLS, with what `connect` was told about it. */
  readonly tlsWith: (given: unknown) => object;
  /** Gives up the call that opens it. */
  readonly cancelOpening: () => void;
}

export function guestNetwork(tools: GuestNetworkTools) {
  "use strict";
  const { call, cancel, whenSettled, load, map, octetsOf, bytesOf, tlsOf } = tools;
  /** More than the host takes. */
  const PROTOCOLS_MAX = 100;
  const PromiseConstructor = Promise;
  const ErrorConstructor = Error;
  const TypeErrorConstructor = TypeError;
  const { defineProperties, defineProperty, freeze } = Object;
  const toText = String;
  const decode = decodeURIComponent;
  const escapeText = escape;
  const nothing = (): undefined => undefined;

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

  function textOf(octets: unknown): string {
    try {
      return decode(escapeText(toText(octets)));
    } catch {
      throw new ErrorConstructor("connect: what came is no UTF-8");
    }
  }

  function targetOf(place: unknown): string {
    if (typeof place !== "object" || place === null) return toText(place);
    const { hostname, port } = place as { readonly hostname?: unknown; readonly port?: unknown };
    const host = toText(hostname);
    let isIpv6 = false;
    for (let index = 0; index < host.length; index++) isIpv6 ||= host[index] === ":";
    return `${isIpv6 ? `[${host}]` : host}:${toText(port)}`;
  }

  function connect(place: unknown, init: ConnectInit = {}): Promise<unknown> {
    const { sni } = init;
    const tls = init.tls ?? init.secureTransport === "on";
    const alpn: string[] = [];
    const offered = (init.alpn ?? []) as readonly unknown[];
    for (let index = 0; index < offered.length && index < PROTOCOLS_MAX; index++)
      alpn[index] = toText(offered[index]);
    const tlsWith = (given: unknown): object => ({
      tls: tlsOf({ serverName: sni, ...(given === true ? undefined : (given as object)) }),
      alpn,
    });
    const allowHalfOpen = init.allowHalfOpen === true;
    const { id, promise } = call("connect", {
      target: targetOf(place),
      allowHalfOpen,
      ...(tls === false ? { tls: null } : tlsWith(tls)),
    });
    const secureTransport =
      tls !== false ? "on" : init.secureTransport === "starttls" ? "starttls" : "off";
    return socketOf(promise, {
      secureTransport,
      allowHalfOpen,
      tlsWith,
      cancelOpening: () => cancel(id),
    });
  }

  /** Of a rejection that is told elsewhere too, nobody has to know. */
  function handled<T>(promise: Promise<T>): Promise<T> {
    whenSettled(promise, nothing, nothing);
    return promise;
  }

  /** An error in the form of the sockets API; its stack leads to where the plugin asked. */
  function socketErrorOf(error: unknown): Error {
    const { message, stack } = error as Error;
    const made = new TypeErrorConstructor(`SocketError: ${message}`, { cause: error });
    defineProperty(made, "stack", { value: stack });
    return made;
  }

  /** The promise of a connection, which has what a Socket of the WinterTC's sockets API has. */
  function socketOf(asked: Promise<unknown>, beginning: Beginning): Promise<unknown> {
    const { secureTransport, allowHalfOpen, tlsWith, cancelOpening } = beginning;
    let id: number | undefined;
    let upgraded = false;
    /** How it came to its end. */
    let ending: { readonly error: unknown; readonly failed: boolean } | undefined;
    let streams: SocketStreams | undefined;
    let readId: number | undefined;
    let resolveClosed: () => void;
    let rejectClosed: (error: unknown) => void;
    let rejectOpening: (error: unknown) => void;

    const closed = handled(
      new PromiseConstructor<void>((resolve, reject) => {
        resolveClosed = resolve;
        rejectClosed = reject;
      }),
    );
    const opening = handled(
      new PromiseConstructor<Opened>((resolve, reject) => {
        rejectOpening = reject;
        whenSettled(
          asked,
          (value) => {
            const opened = value as Opened;
            ({ id } = opened);
            resolve(opened);
          },
          (error) => {
            end(socketErrorOf(error), true);
            reject(error);
          },
        );
      }),
    );

    function end(error: unknown, failed: boolean): void {
      if (ending !== undefined) return;
      ending = { error, failed };
      streams?.end(error, failed);
      if (failed) rejectClosed(error);
      else resolveClosed();
    }

    /** Ends it on the host's side as well. */
    function shut(error: unknown, failed: boolean, reset = false): void {
      if (ending !== undefined) return;
      if (id === undefined) cancelOpening();
      else call("connect.close", { id, reset });
      end(error, failed);
      rejectOpening(error);
    }

    const isClosed = (): Error =>
      socketErrorOf(new ErrorConstructor("connect: the connection is closed"));

    function close(reason: unknown, reset = false): Promise<void> {
      shut(reason ?? isClosed(), false, reset);
      return closed;
    }

    /** A call on it, once it is open. */
    function onceOpen(work: () => Promise<unknown>): Promise<unknown> {
      if (id !== undefined) return work();
      return new PromiseConstructor((resolve, reject) =>
        whenSettled(opening, () => whenSettled(work(), resolve, reject), reject),
      );
    }

    const transport: Transport = {
      read: () =>
        onceOpen(() => {
          const { id: callId, promise } = call("connect.read", { id });
          readId = callId;
          return promise;
        }) as Promise<string | null>,
      write: (octets) => onceOpen(() => call("connect.write", { id, octets }).promise),
      end: () => onceOpen(() => call("connect.end", { id }).promise),
      stopReading: () => {
        if (readId !== undefined) cancel(readId);
      },
      finish: () => shut(isClosed(), false),
      fail: (error) => shut(socketErrorOf(error), true),
      abort: (reason) => void close(reason, true),
    };
    function streamsOf(): SocketStreams {
      if (streams === undefined) {
        streams = load("streams").socketStreams(transport, allowHalfOpen);
        if (ending !== undefined) streams.end(ending.error, ending.failed);
      }
      return streams;
    }

    /** What the connection's own methods do, where no stream is in the way. */
    function own(
      stream: "readable" | "writable",
      capability: string,
      argument: object,
      change: (value: unknown) => unknown,
    ): Promise<unknown> {
      const refusal = upgraded
        ? "the connection speaks TLS already: use the one that startTls gave"
        : streams?.isBusy(stream) === true
          ? `its ${stream} stream is in use: release its lock first`
          : undefined;
      return refusal === undefined
        ? map(call(capability, { id, ...argument }).promise, change)
        : PromiseConstructor.reject(new ErrorConstructor(`connect: ${refusal}`));
    }

    function startTls(given: unknown = {}): Promise<unknown> {
      const refusal =
        upgraded || secureTransport === "on"
          ? "the connection speaks TLS already"
          : streams?.holdsBytes() === true
            ? "the other side said more before TLS than was read"
            : undefined;
      let tlsId: number | undefined;
      const promise =
        refusal === undefined
          ? onceOpen(() => {
              const begun = call("connect.startTls", { id, ...tlsWith(given) });
              tlsId = begun.id;
              return begun.promise;
            })
          : PromiseConstructor.reject(new ErrorConstructor(`connect: ${refusal}`));
      if (refusal === undefined) {
        upgraded = true;
        end(isClosed(), false);
      }
      return socketOf(promise, {
        secureTransport: "on",
        allowHalfOpen,
        tlsWith,
        cancelOpening: () => {
          if (tlsId !== undefined) cancel(tlsId);
          else if (id === undefined) cancelOpening();
        },
      });
    }

    const opened = handled(
      new PromiseConstructor((resolve, reject) =>
        whenSettled(
          opening,
          (value) => {
            const { remoteAddress, localAddress, alpn } = value as Opened;
            resolve({ remoteAddress, localAddress, alpn });
          },
          () => reject(ending?.error),
        ),
      ),
    );
    const socket = {
      readable: { get: () => streamsOf().readable },
      writable: { get: () => streamsOf().writable },
      upgraded: { get: () => upgraded },
      secureTransport: { value: secureTransport },
      opened: { value: opened },
      closed: { value: closed },
      close: { value: (reason?: unknown) => close(reason) },
      startTls: { value: startTls },
    };
    const connection = map(opening, (value) => {
      const { certificate } = value as Opened;
      const methods = {
        certificate: certificate === null ? null : freeze(certificate),
        write: (data: unknown) =>
          own("writable", "connect.write", { octets: octetsOf(data) }, nothing),
        read: () => own("readable", "connect.read", {}, bytesOf),
        readUntil: (delimiter: unknown) =>
          own("readable", "connect.read", { delimiter: toText(delimiter) }, textOf),
        expect: (data: unknown) =>
          own("readable", "connect.expect", { octets: octetsOf(data) }, nothing),
      };
      return freeze(defineProperties(methods, socket));
    });
    return defineProperties(handled(connection), socket);
  }

  return {
    connect,
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
