/**
 * How the first-party plugins speak TLS: the same options for all of them. What an operator names are files, and the secret that is
 * the key; what `connect` and `fetch` take are texts.
 */
import type { Files, Secrets, TlsInit } from "@karuntime/sdk";

/** Whom to trust, and what to show. A plugin with them asks for `files: ["{ca}", "{certificate}"]` and `secrets: ["{keySecret}"]`. */
export const certificateOptions = {
  verify: {
    type: "boolean",
    default: true,
    description: "whether the certificate must be trusted, and have the name",
  },
  ca: { type: "string", default: "", description: "file with whom to trust, in PEM" },
  serverName: {
    type: "string",
    default: "",
    description: "the name to ask for, which the certificate must have",
  },
  certificate: {
    type: "string",
    default: "",
    description: "file with the certificate to show, in PEM",
  },
  keySecret: { type: "string", default: "", description: "the secret that is its key, in PEM" },
  minVersion: { type: "string", choices: ["TLSv1.2", "TLSv1.3"], default: "TLSv1.2" },
} as const;

/** For a protocol that can do without TLS, or begins with it. */
export const tlsOptions = {
  tls: { type: "boolean", default: false, description: "speak TLS from the first octet" },
  ...certificateOptions,
} as const;

/** For a protocol that begins without TLS, and goes over to it. */
export const upgradeOptions = {
  tls: {
    type: "boolean",
    default: false,
    description: "go over to TLS; a server that cannot is down",
  },
  opportunisticTls: {
    type: "boolean",
    default: true,
    description: "without tls: go over to it all the same where the server can, whoever it is",
  },
  ...certificateOptions,
} as const;

export interface CertificateOptions {
  readonly verify: boolean;
  readonly ca: string;
  readonly serverName: string;
  readonly certificate: string;
  readonly keySecret: string;
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
}

/** How to go over to TLS. */
export interface Upgrade {
  /** Whether a server that cannot is down. */
  readonly required: boolean;
  readonly init: TlsInit;
}

interface Sources {
  readonly files: Pick<Files, "read">;
  readonly secrets: Pick<Secrets, "get">;
}

/** Reads what the options name. @throws Error when it cannot be read, or half of it is missing. */
export async function readTls(
  { verify, ca, serverName, certificate, keySecret, minVersion }: CertificateOptions,
  { files, secrets }: Sources,
): Promise<TlsInit> {
  if ((certificate === "") !== (keySecret === ""))
    throw new Error("options.certificate and options.keySecret are needed together");
  return {
    verify,
    minVersion,
    ...(ca === "" ? {} : { ca: (await files.read(ca)).text }),
    ...(serverName === "" ? {} : { serverName }),
    ...(certificate === ""
      ? {}
      : {
          certificate: (await files.read(certificate)).text,
          key: await secrets.get(keySecret),
        }),
  };
}

/** The same for a protocol that goes over to TLS; undefined when it is not to. */
export async function readUpgrade(
  options: CertificateOptions & { readonly tls: boolean; readonly opportunisticTls: boolean },
  sources: Sources,
): Promise<Upgrade | undefined> {
  const { tls: required, opportunisticTls } = options;
  if (!required && !opportunisticTls) return undefined;
  const init = await readTls(options, sources);
  // Where whoever is in between may do without TLS at all, a certificate proves nothing.
  return { required, init: required ? init : { ...init, verify: false } };
}

/** Of a server that cannot, although it has to. */
export function withoutTls(answer: string): Error {
  return new Error(`the server does not go over to TLS, which options.tls demands: ${answer}`);
}
