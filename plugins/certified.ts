/** Certificates for the tests of what speaks TLS: good, expired, to be shown by a client; and the looks at a server that has them. */
import { createAuthority } from "../runtime/test/sandbox/certificates.ts";
import type { ServerFolder } from "./servers.ts";
import type { Looks } from "./suite.ts";

/** What the good certificate is made out to. */
export const SERVER_NAME = "server.example.test";

/** Files of a folder, by their paths. */
export interface Certified {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  /** For the same name, and no longer valid. */
  readonly expired: string;
  readonly expiredKey: string;
  /** Puts one of the two where `certificate` and `key` are. */
  install(which: "good" | "expired"): void;
  /** What a client shows. */
  readonly client: string;
  /** Options of a checker that trusts the authority, and knows the server's name. */
  readonly trusting: { readonly tls: true; readonly ca: string; readonly serverName: string };
}

const authority = createAuthority("Test Authority");
/** Named after the user of the databases. */
const client = authority.issue("DNS:watcher");

/** The client's key, in PEM: for a secret. */
export const CLIENT_KEY = client.key;

export function certify(folder: ServerFolder): Certified {
  const good = authority.issue(`DNS:${SERVER_NAME}`);
  const expired = authority.issue(`DNS:${SERVER_NAME}`, -1);
  const ca = folder.write("ca.pem", authority.ca);
  const install = (which: "good" | "expired") => {
    const { cert, key } = which === "good" ? good : expired;
    return {
      certificate: folder.write("server.pem", cert),
      key: folder.write("server.key", key),
    };
  };
  return {
    ca,
    ...install("good"),
    install,
    expired: folder.write("expired.pem", expired.cert),
    expiredKey: folder.write("expired.key", expired.key),
    client: folder.write("client.pem", client.cert),
    trusting: { tls: true, ca, serverName: SERVER_NAME },
  };
}

/** Looks at a server with the good certificate. @param options of a check that it lets in. */
export function certificateLooks(port: number, { trusting }: Certified, options: object): Looks {
  const look = { ...options, ...trusting };
  return {
    tls: [port, { ...look, minVersion: "TLSv1.3" }],
    unverified: [port, { ...options, tls: true, verify: false }],
    otherName: [port, { ...look, serverName: "example.test" }, /does not match certificate's alt/],
    noName: [port, { ...look, serverName: "" }, /127\.0\.0\.1 is not in the cert's list/],
    otherAuthority: [port, { ...look, ca: "" }, /self-signed certificate in|unable to verify/],
  };
}
