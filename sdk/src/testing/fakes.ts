/** What a test says the world is like. Only what the plugin asks for has to be given. */
import type {
  Certificate,
  DnsAnswer,
  ExecResult,
  FileContent,
  PingAnswer,
  System,
} from "../index.ts";

/** Everything that a plugin can see. What it asks for and is not here fails the test. */
export interface Fakes {
  /** How many processes there are of each name; of any other there is none. */
  readonly processes?: Readonly<Record<string, number>>;
  /** What each service is; `start`, `stop` and `restart` change it. An Error is what an action fails with. */
  readonly services?: Readonly<Record<string, "running" | "stopped" | Error>>;
  /** Answers by URL, or what makes them. An Error is what the request fails with. */
  readonly fetch?:
    | Readonly<Record<string, FakeResponse | Error>>
    | ((request: FakeRequest) => Awaitable<FakeResponse | Error>);
  /** By "host:port", what is said on a connection. An Error is what connecting fails with. */
  readonly connect?: Readonly<Record<string, Conversation | Error>>;
  /** By "host:port", the answer to a datagram; null: none comes. */
  readonly udp?: Readonly<
    Record<string, FakeDatagram | ((data: Uint8Array) => Awaitable<FakeDatagram>)>
  >;
  /** By name and type as in "example.com MX": the data of its records, or the whole answer. Of anything else there is no such name. */
  readonly dns?: Readonly<Record<string, readonly unknown[] | Partial<DnsAnswer> | Error>>;
  /** By host, after how many milliseconds it answers, or the whole answer. */
  readonly ping?: Readonly<Record<string, number | PingAnswer | Error>>;
  /** How commands end, by their words with blanks between, or what makes that. */
  readonly exec?:
    | Readonly<Record<string, Partial<ExecResult> | Error>>
    | ((argv: readonly string[]) => Awaitable<Partial<ExecResult> | Error>);
  /** Texts by path; any other file does not exist. */
  readonly files?: Readonly<Record<string, string | FileContent | Error>>;
  readonly system?: FakeSystem;
  /** What was kept before. */
  readonly store?: Readonly<Record<string, string>>;
  /** By name. */
  readonly secrets?: Readonly<Record<string, string>>;
  /**
   * Where an answer has a `delayMs`, the clock is advanced by that instead of waiting. With node:test:
   * `t.mock.timers.enable(); runCheck(check, { clock: { advance: (ms) => t.mock.timers.tick(ms) } })`.
   */
  readonly clock?: { advance(milliseconds: number): void };
}

/** Perhaps later. */
export type Awaitable<T> = T | Promise<T>;

/** What the plugin asked for with `fetch`. */
export interface FakeRequest {
  readonly method: string;
  readonly url: string;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What it is answered. */
export interface FakeResponse {
  /** Default 200. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default "". */
  readonly body?: string | Uint8Array;
  /** How long the server takes. */
  readonly delayMs?: number;
  /** The server's, as with TLS. Default null. */
  readonly certificate?: Certificate | null;
}

/** Steps, one after the other: what the plugin writes, and what it gets for that. After the last one the other side closes the connection. */
export type Conversation =
  | readonly ConversationStep[]
  | { readonly steps: readonly ConversationStep[]; readonly certificate: Certificate };

/** One turn of a conversation. */
export interface ConversationStep {
  /** All that is written in this step. Absent: nothing, the other side begins. */
  readonly expect?: string | RegExp;
  /** What it gets for that. Absent: nothing. */
  readonly reply?: string | Uint8Array;
}

/** What comes back; null: nothing, an Error: what sending fails with. */
export type FakeDatagram = string | Uint8Array | Error | null;

/** What the machine says of itself. */
export interface FakeSystem {
  readonly load?: Awaited<ReturnType<System["load"]>>;
  readonly memory?: Awaited<ReturnType<System["memory"]>>;
  /** By path. */
  readonly disk?: Readonly<Record<string, Awaited<ReturnType<System["disk"]>>>>;
  readonly pressure?: Readonly<
    Partial<Record<"cpu" | "memory" | "io", Awaited<ReturnType<System["pressure"]>>>>
  >;
}
