/** New connections over TCP and TLS, for `fetch` and `connect`: what a plugin may say about TLS, and what it is told of the peer. */
import { X509Certificate } from "node:crypto";
import type { LookupFunction, Socket } from "node:net";
import { connect as connectTcp, isIP } from "node:net";
import type { SecureContext, TLSSocket } from "node:tls";
import { checkServerIdentity, connect as connectTls, createSecureContext } from "node:tls";
import { DeniedError } from "./denied.ts";
import { reasonOf } from "./place.ts";
import { placeText } from "./resolved-address.ts";

const PEM_CHARACTERS_MAX = 64 * 1024;
const PROTOCOLS_MAX = 16;
/** RFC 7301, section 3.1. */
const PROTOCOL_OCTETS_MAX = 255;
const VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;

export interface TlsSettings {
  /** In PEM. */
  readonly ca: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly minVersion: (typeof VERSIONS)[number] | undefined;
  /** What the server is asked for, and must be; undefined for the name or the address that the plugin connects to. */
  readonly serverName: string | undefined;
  readonly verify: boolean;
}

/** What a server's certificate says. */
export interface PeerCertificate {
  readonly subject: string;
  readonly issuer: string;
  readonly names: string;
  readonly validFromMs: number;
  readonly validToMs: number;
  readonly trusted: boolean;
}

/**
 * Reads what a plugin says about TLS.
 *
 * @param given from the guest, of any shape.
 * @param capability whose message it is when something is wrong with it.
 */
export function readTls(given: unknown, capability: string): TlsSettings {
  const said = (typeof given === "object" && given !== null ? given : {}) as Readonly<
    Record<string, unknown>
  >;
  const text = (name: string): string | undefined => {
    const value = said[name] ?? undefined;
    if (value === undefined) return undefined;
    if (typeof value !== "string" || value.length > PEM_CHARACTERS_MAX)
      throw new Error(
        `${capability}: tls.${name}: expected a text of at most ${PEM_CHARACTERS_MAX} characters`,
      );
    return value;
  };
  const asked = text("minVersion");
  const minVersion = VERSIONS.find((version) => version === asked);
  if (asked !== minVersion)
    throw new Error(
      `${capability}: tls.minVersion: found ${JSON.stringify(asked?.slice(0, 20))}, expected one of ${VERSIONS.join(", ")}`,
    );
  const certificate = text("certificate");
  const key = text("key");
  if ((certificate === undefined) !== (key === undefined))
    throw new Error(`${capability}: tls.certificate and tls.key are needed together`);
  return {
    ca: text("ca"),
    certificate,
    key,
    minVersion,
    serverName: text("serverName"),
    verify: said["verify"] !== false,
  };
}

/** Reads the protocols that a plugin offers with TLS (ALPN), the one that it likes best first. */
export function readAlpn(given: unknown, capability: string): string[] {
  const names: readonly unknown[] = Array.isArray(given) ? given : [];
  const usual = (name: unknown): name is string =>
    typeof name === "string" && name !== "" && Buffer.byteLength(name) <= PROTOCOL_OCTETS_MAX;
  if (names.length <= PROTOCOLS_MAX && names.every(usual)) return [...names];
  throw new Error(
    `${capability}: alpn: expected at most ${PROTOCOLS_MAX} names of 1 to ${PROTOCOL_OCTETS_MAX} octets`,
  );
}

export interface Destination {
  /** A numeric address, or a name for `lookup`. */
  readonly host: string;
  readonly port: number;
  readonly lookup?: LookupFunction;
  /** Whether one may go on writing when the other side has ended. */
  readonly allowHalfOpen?: boolean;
}

/**
 * Connects, with TLS when there are settings.
 *
 * @param name what the server's certificate must be made out to when the settings do not say.
 * @param capability whose message it is when it fails.
 * @param signal gives the attempt up; an established connection is the caller's.
 */
export async function dial(
  destination: Destination,
  tls: { readonly settings: TlsSettings; readonly name: string; readonly alpn?: string[] } | null,
  capability: string,
  signal: AbortSignal,
): Promise<Socket> {
  signal.throwIfAborted();
  const { host, port } = destination;
  const socket = tls === null ? connectTcp(destination) : startTls(destination, tls, capability);
  return established(
    socket,
    tls === null ? "connect" : "secureConnect",
    `${capability}: ${placeText(host, port)}`,
    signal,
  );
}

/**
 * Speaks TLS on a connection that is there already.
 *
 * @param name what the server's certificate must be made out to when the settings do not say.
 */
export async function upgrade(
  socket: Socket,
  tls: NonNullable<Parameters<typeof dial>[1]>,
  capability: string,
  signal: AbortSignal,
): Promise<TLSSocket> {
  signal.throwIfAborted();
  const secured = startTls({ socket }, tls, capability);
  await established(secured, "secureConnect", `${capability}: TLS`, signal);
  return secured;
}

/** The socket, once it is what it is to become. @param what begins the message when it does not. */
async function established(
  socket: Socket,
  event: "connect" | "secureConnect",
  what: string,
  signal: AbortSignal,
): Promise<Socket> {
  const giveUp = (): unknown => socket.destroy(new Error("it was given up"));
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once(event, () => resolve());
      socket.once("error", reject);
      socket.once("close", () => reject(new Error("the other side closed the connection")));
    });
    return socket;
  } catch (error) {
    socket.destroy();
    if (error instanceof DeniedError) throw error;
    throw new Error(`${what}: ${reasonOf(error)}`, { cause: error });
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

function startTls(
  on: Destination | { readonly socket: Socket },
  { settings, name, alpn }: NonNullable<Parameters<typeof dial>[1]>,
  capability: string,
): TLSSocket {
  const identity = settings.serverName ?? name;
  return connectTls({
    ...on,
    secureContext: contextOf(settings, capability),
    // An address is none to be asked for (RFC 6066, section 3).
    servername: isIP(identity) === 0 ? identity : "",
    checkServerIdentity: (_, certificate) => checkServerIdentity(identity, certificate),
    rejectUnauthorized: settings.verify,
    ...(alpn === undefined || alpn.length === 0 ? {} : { ALPNProtocols: alpn }),
  });
}

/** @throws Error for what is not in PEM. */
function contextOf(
  { ca, certificate, key, minVersion }: TlsSettings,
  capability: string,
): SecureContext {
  try {
    // A text without any certificate would be taken for an authority that signs nothing.
    if (ca !== undefined) void new X509Certificate(ca);
    return createSecureContext({ ca, cert: certificate, key, minVersion });
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    if (code?.startsWith("ERR_OSSL") !== true) throw error;
    throw new Error(
      `${capability}: tls: expected ca, certificate and key in PEM, and the key of that certificate: ${message}`,
      { cause: error },
    );
  }
}

export function certificateOf(socket: TLSSocket): PeerCertificate | null {
  const { subject, issuer, valid_from, valid_to, subjectaltname } = socket.getPeerCertificate();
  if (valid_to === undefined) return null;
  return {
    subject: textOf(subject?.CN),
    issuer: textOf(issuer?.CN),
    names: subjectaltname ?? "",
    validFromMs: Date.parse(valid_from),
    validToMs: Date.parse(valid_to),
    trusted: socket.authorized,
  };
}

/** A name may have several. */
function textOf(commonName: string | readonly string[] | undefined): string {
  return [commonName ?? ""].flat().join(", ");
}
