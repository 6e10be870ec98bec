/** What `connect`, `udp`, `dns` and `ping` take and give. */
import type { Signal } from "./fetch.ts";
import type { ByteReadable, ByteWritable } from "./streams.ts";

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
  readonly secureTransport?: SecureTransport;
  /** Whether one may go on writing when the other side has ended. Default false: then the socket is closed. */
  readonly allowHalfOpen?: boolean;
  /** With TLS the same as `tls.serverName`, also for `startTls`. */
  readonly sni?: string;
  /** The protocols to offer with TLS, the one that is liked best first: at most 16 of 255 octets. Also for `startTls`. */
  readonly alpn?: readonly string[];
}

/** How a socket is, or may become, secure. */
export type SecureTransport = "off" | "on" | "starttls";

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

/** What is known of a connection that is open. Each is null where it is not known. */
export interface SocketInfo {
  /** As "192.0.2.1:443" or "[2001:db8::1]:443". */
  readonly remoteAddress: string | null;
  /** This side's, likewise. */
  readonly localAddress: string | null;
  /** Of the protocols in `alpn`, the one that the server took. */
  readonly alpn: string | null;
}

/**
 * A Socket of the WinterTC's sockets API. What fails in it is a TypeError whose message begins with "SocketError: ", and its
 * `cause` the error itself. Nobody has to handle the rejections of its promises.
 *
 * @see https://sockets-api.proposal.wintertc.org/
 */
export interface Socket {
  /** At most 64 KiB in a chunk. Nothing is read ahead: what no reader waits for is left to the other side, or to `read`. */
  readonly readable: ByteReadable;
  /** A chunk counts as written when the kernel has it. To close it ends this side alone; to abort it ends the whole socket. */
  readonly writable: ByteWritable;
  /** Rejected when the connection is not permitted, refused, or closed before. */
  readonly opened: Promise<SocketInfo>;
  /**
   * Resolved when `close` is called, or `readable` has come to its end, with `allowHalfOpen` `writable` as well. Rejected when
   * connecting, or one of the streams, fails. The other side's end is known when `readable` is read.
   */
  readonly closed: Promise<void>;
  /** Whether `startTls` was called: it is closed then, and what `startTls` gave goes on. */
  readonly upgraded: boolean;
  /** Whether it was opened with TLS, or may be given it by `startTls`. */
  readonly secureTransport: SecureTransport;
  /** @param reason what `writable`, and `opened` while it waits, are rejected with. @returns `closed`. */
  close(reason?: unknown): Promise<void>;
  /**
   * Speaks TLS from now on, where both sides have agreed to. Unlike in the sockets API, any connection without TLS may do so.
   * What it gives fails when the certificate is not trusted, or the other side said more before than was read.
   */
  startTls(init?: TlsInit): PendingConnection;
}

/** What `connect` gives: a socket that can be used at once, and awaited. @throws Error, awaited, when it does not succeed. */
export type PendingConnection = Promise<Connection> & Socket;

/**
 * A connection over TCP or TLS that is open. It is closed with the invocation at the latest.
 *
 * Its own methods and its streams share what has come: the first to ask gets it. While a stream has a reader or writer, and
 * while bytes that a former reader waited for lie in it, the methods of that direction fail.
 */
export interface Connection extends Socket {
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
