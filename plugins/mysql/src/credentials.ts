/** What a password becomes before it is sent, by the method of authentication. */
import { joined } from "../../conversation.ts";

export const NATIVE = "mysql_native_password";
export const CACHING_SHA2 = "caching_sha2_password";

/**
 * The answer to the server's nonce; empty for an empty password.
 *
 * @throws Error when the method is none that is known here.
 */
export async function responseTo(
  method: string,
  nonce: Uint8Array,
  password: string,
): Promise<Uint8Array> {
  if (method !== NATIVE && method !== CACHING_SHA2)
    throw new Error(
      `the server asks for the authentication ${JSON.stringify(method)}, expected ${NATIVE} or ${CACHING_SHA2}`,
    );
  if (password === "") return new Uint8Array();
  const algorithm = method === NATIVE ? "SHA-1" : "SHA-256";
  const hash = async (...parts: readonly Uint8Array[]): Promise<Uint8Array> =>
    new Uint8Array(await crypto.subtle.digest(algorithm, joined(...parts)));
  const once = await hash(new TextEncoder().encode(password));
  const twice = await hash(once);
  const mask = await (method === NATIVE ? hash(nonce, twice) : hash(twice, nonce));
  return once.map((octet, index) => octet ^ (mask[index] ?? 0));
}
