/** What `connect`, `udp`, `dns` and `ping` take and give. */
import type { Signal } from "./fetch.ts";

/** How to speak TLS. Each text in PEM has at most 64 KiB. */
export interface TlsInit {
  /** Whom to trust, in PEM, in place of the well-known authorities. */
  readonly ca?: string;
  /** What this side shows of itself, in PEM, with what leads to its authority. */
  readonly certificate?: string;
  /** The certificate's key, in PEM without a password: one for `secrets`. */
  readonly key?: string;
  /** The name that the server is asked for (SNI), and that its certificate must have. Default: the host. */
  readonly serverName?: string;
  /** Whether a certificate that is not trusted, or has another name, is an error. Default true. */
  readonly verify?: boolean;
  /** Default "TLSv1.2". */
  readonly minVersion?: "TLSv1.2" | "TLSv1.3";
}

/** How to connect. */
export interface ConnectInit {
  /** Speak TLS from the beginning. */
  readonly tls?: boolean | TlsInit;
  /** The same in the words of the WinterTC's sockets API: "on" is `tls: true`. "starttls" says no more than "off": see `startTls`. */
  readonly secureTransport?: "off" | "on" | "starttls";
}

/** Where to connect to: `"host:port"`, or its parts. */
export type SocketAddress = string | { readonly hostname: string; readonly port: number };

/** What a server's certificate says. */
export interface Certificate {
  /** The common name. */
  readonly subject: string;
  /** The common name of the authority that signed it. */
  readonly issuer: string;
  /** As in "DNS:example.com, IP Address:192.0.2.1". */
  readonly names: string;
  /** From when it is valid, in milliseconds since 1970. */
  readonly validFromMs: number;
  /** Until when it is valid, in milliseconds since 1970. */
  readonly validToMs: number;
  /** Whether a known authority signed it, for this name. */
  readonly trusted: boolean;
}

/** A connection over TCP or TLS. It is closed with the invocation at the latest. */
export interface Connection {
  /** The server's, with TLS. */
  readonly certificate: Certificate | null;
  /** Sends a text as UTF-8, or bytes. */
  write(data: string | Uint8Array): Promise<void>;
  /** The bytes that are there, at most 64 KiB, or the next ones; null when the other side has ended. */
  read(): Promise<Uint8Array | null>;
  /** The text up to the delimiter and with it. @throws Error when the connection ends before, or 64 KiB come without it. */
  readUntil(delimiter: string): Promise<string>;
  /** Waits for this text, or these bytes, and takes them. @throws Error when something else comes, saying what. */
  expect(data: string | Uint8Array): Promise<void>;
  /**
   * Speaks TLS from now on, where both sides have agreed to. @returns the connection with the server's certificate. @throws Error
   * when the certificate is not trusted, or the other side said more before than was read.
   */
  startTls(init?: TlsInit): Promise<Connection>;
  /** Ends it at once. */
  close(): void;
}

/** How to send a datagram. */
export interface UdpInit {
  /** Milliseconds until it fails without an answer; never later than the invocation. Default 5000. */
  readonly timeoutMs?: number;
  /** Wait for an answer. Default true. */
  readonly answer?: boolean;
  readonly signal?: Signal;
}

/** Whom to ask, and for how long. */
export interface DnsInit {
  /** Whom to ask, as `"address:port"`. Default: the server that this host itself asks, which needs the permission `"system"`. */
  readonly server?: string;
  /** Milliseconds until it fails without an answer; never later than the invocation. Default 5000. */
  readonly timeoutMs?: number;
  readonly signal?: Signal;
}

/** What the data of each type of DNS records is; of any other type, its octets in hex. */
export interface DnsData {
  readonly A: string;
  readonly AAAA: string;
  readonly CNAME: string;
  readonly NS: string;
  readonly PTR: string;
  /** All of a record's strings, joined. */
  readonly TXT: string;
  readonly MX: { readonly preference: number; readonly exchange: string };
  readonly SRV: {
    readonly priority: number;
    readonly weight: number;
    readonly port: number;
    readonly target: string;
  };
  readonly SOA: {
    readonly mname: string;
    readonly rname: string;
    readonly serial: number;
    readonly refresh: number;
    readonly retry: number;
    readonly expire: number;
    readonly minimum: number;
  };
  readonly CAA: {
    readonly flags: number;
    readonly tag: string;
    readonly value: string;
    readonly issuerCritical: boolean;
  };
}

/** A type of records, by its name or by its number as in "TYPE65". */
export type DnsRecordType = keyof DnsData | `TYPE${number}`;

/** One record of a DNS answer. Look at its type first: then the type of its data is known. */
export type DnsRecord =
  | {
      readonly [Type in keyof DnsData]: {
        readonly name: string;
        readonly type: Type;
        /** In seconds. */
        readonly ttl: number;
        readonly data: DnsData[Type];
      };
    }[keyof DnsData]
  | {
      readonly name: string;
      readonly type: `TYPE${number}`;
      readonly ttl: number;
      readonly data: string;
    };

/** What a DNS server answered. */
export interface DnsAnswer {
  /** "NOERROR", "NXDOMAIN", "SERVFAIL", "REFUSED" and so on. */
  readonly rcode: string;
  /** Whether the server answers for the zone itself. */
  readonly authoritative: boolean;
  /** At most 200; the CNAME records on the way are among them. */
  readonly answers: readonly DnsRecord[];
}

/** How to ping. */
export interface PingInit {
  /** Milliseconds until it fails without an answer; never later than the invocation. Default 1000. */
  readonly timeoutMs?: number;
  /** Octets of data to send, 16 to 1400. Default 56. */
  readonly size?: number;
  readonly signal?: Signal;
}

/** The answer to a ping. */
export interface PingAnswer {
  /** Who answered. */
  readonly address: string;
  /** What was left of the answer's time to live, or hop limit. */
  readonly ttl: number;
  /** From the question to the answer. */
  readonly timeMs: number;
}
