/** What a password becomes before it is sent: PostgreSQL's MD5, and SCRAM-SHA-256 (RFC 5802, RFC 7677). */
import { hmac } from "@noble/hashes/hmac.js";
import { md5 } from "@noble/hashes/legacy.js";
import { pbkdf2 } from "@noble/hashes/pbkdf2.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { joined } from "../../conversation.ts";

/** PostgreSQL's default is 4096; so many take most of a second. */
const ITERATIONS_MAX = 100_000;
const KEY_BYTES = 32;

/** The answer to an MD5 challenge: md5(md5(password, user), salt), in hex. */
export function md5Password(user: string, password: string, salt: Uint8Array): string {
  const octets = (text: string): Uint8Array => new TextEncoder().encode(text);
  const inner = hex(md5(octets(`${password}${user}`)));
  return `md5${hex(md5(joined(octets(inner), salt)))}`;
}

export interface Scram {
  readonly clientFirst: string;
  /** @throws Error when the server's first message is not one to answer. */
  answer(serverFirst: string): ScramAnswer;
}

export interface ScramAnswer {
  readonly clientFinal: string;
  /** Whether the server has proved in its last message that it knows the password too. */
  accepts(serverFinal: string): boolean;
}

/** @param nonce printable characters without a comma, never the same twice. */
export function scram(password: string, nonce: string): Scram {
  // PostgreSQL takes the user from the startup message.
  const clientFirstBare = `n=,r=${nonce}`;
  return {
    clientFirst: `n,,${clientFirstBare}`,
    answer(serverFirst) {
      const { serverNonce, salt, iterations } = challengeOf(serverFirst, nonce);
      const clientFinalBare = `c=biws,r=${serverNonce}`;
      const transcript = `${clientFirstBare},${serverFirst},${clientFinalBare}`;
      const salted = pbkdf2(sha256, password.normalize("NFKC"), salt, {
        c: iterations,
        dkLen: KEY_BYTES,
      });
      const clientKey = keyed(salted, "Client Key");
      const clientSignature = keyed(sha256(clientKey), transcript);
      const proof = clientKey.map((octet, index) => octet ^ (clientSignature[index] ?? 0));
      const serverSignature = keyed(keyed(salted, "Server Key"), transcript);
      return {
        clientFinal: `${clientFinalBare},p=${base64(proof)}`,
        accepts: (serverFinal) => serverFinal.split(",").includes(`v=${base64(serverSignature)}`),
      };
    },
  };
}

function challengeOf(
  serverFirst: string,
  nonce: string,
): { readonly serverNonce: string; readonly salt: Uint8Array; readonly iterations: number } {
  const [, serverNonce = "", salt = "", count] =
    /^r=([^,]+),s=([A-Za-z0-9+/]+=*),i=(\d+)(?:,|$)/.exec(serverFirst) ?? [];
  const iterations = Number(count ?? 0);
  if (!serverNonce.startsWith(nonce) || serverNonce === nonce || iterations === 0)
    throw new Error("SCRAM: the server's first message is not an answer to the client's");
  if (iterations > ITERATIONS_MAX)
    throw new Error(
      `SCRAM: the server asks for ${iterations} iterations, expected at most ${ITERATIONS_MAX}`,
    );
  return {
    serverNonce,
    salt: Uint8Array.from(atob(salt), (character) => character.charCodeAt(0)),
    iterations,
  };
}

function keyed(key: Uint8Array, text: string): Uint8Array {
  return hmac(sha256, key, new TextEncoder().encode(text));
}

function base64(octets: Uint8Array): string {
  return btoa(String.fromCharCode(...octets));
}

function hex(octets: Uint8Array): string {
  return [...octets].map((octet) => octet.toString(16).padStart(2, "0")).join("");
}
