/** A session with one PostgreSQL server: from the startup through authentication to queries. */
import type { Conversation } from "../../conversation.ts";
import type { Upgrade } from "../../transport-security.ts";
import { withoutTls } from "../../transport-security.ts";
import { md5Password, scram } from "./credentials.ts";
import type { Message } from "./protocol.ts";
import {
  decodeMessage,
  decodeTlsAnswer,
  encodePassword,
  encodeQuery,
  encodeSaslInitial,
  encodeSaslResponse,
  encodeStartup,
  encodeTlsRequest,
  textOf,
  textsOf,
} from "./protocol.ts";

const ROWS_MAX = 100;
const MECHANISM = "SCRAM-SHA-256";
/** The authentication requests of the protocol, by their number. */
const METHOD = { ok: 0, cleartext: 3, md5: 5, sasl: 10, saslContinue: 11, saslFinal: 12 } as const;

export interface Login {
  readonly user: string;
  readonly database: string;
  readonly password: string | undefined;
  /** Whether the password may be sent as it is. */
  readonly cleartext: boolean;
}

/** Goes over to TLS before anything else is said. @throws Error when that fails, or has to be and the server cannot. */
export async function goOverToTls(
  conversation: Conversation,
  { required, init }: Upgrade,
): Promise<void> {
  const step = "the request for TLS";
  await conversation.send(step, encodeTlsRequest());
  const answer = await conversation.receive(decodeTlsAnswer);
  if (answer === "yes") return conversation.startTls(init);
  // What an error says without TLS could be anybody's words.
  if (required) throw withoutTls(`it answered the request for it with ${answer}`);
  if (answer === "error") await next(conversation, step);
}

/** Logs in. @throws Error with what the server says is wrong, or what it asks for that cannot be given. */
export async function logIn(conversation: Conversation, login: Login): Promise<void> {
  const { user, database } = login;
  await conversation.send(
    "the startup",
    encodeStartup({ user, database, application_name: "karuntime" }),
  );
  await authenticate(conversation, login);
  while ((await next(conversation, "the login")).type !== "ready");
}

async function authenticate(conversation: Conversation, login: Login): Promise<void> {
  const { method, data } = await authenticationOf(conversation);
  if (method === METHOD.ok) return;
  const { user, password, cleartext } = login;
  if (password === undefined)
    throw new Error(
      "the server asks for a password; name the secret that is the password in options.secret",
    );
  if (method === METHOD.sasl) return logInWithScram(conversation, password, textsOf(data));
  if (method === METHOD.cleartext) {
    if (!cleartext)
      throw new Error(
        "the server asks for the password in clear text; it is sent so only with options.cleartext or options.tls",
      );
    await conversation.send("the password", encodePassword(password));
  } else if (method === METHOD.md5) {
    await conversation.send("the password", encodePassword(md5Password(user, password, data)));
  } else {
    throw new Error(
      `the server asks for authentication of type ${method}, expected trust, a password, MD5 or ${MECHANISM}`,
    );
  }
  expectMethod((await authenticationOf(conversation)).method, METHOD.ok);
}

async function logInWithScram(
  conversation: Conversation,
  password: string,
  mechanisms: readonly string[],
): Promise<void> {
  if (!mechanisms.includes(MECHANISM))
    throw new Error(`the server offers ${mechanisms.join(", ")}, expected ${MECHANISM}`);
  const { clientFirst, answer } = scram(password, crypto.randomUUID());
  await conversation.send("the login", encodeSaslInitial(MECHANISM, clientFirst));
  const first = await authenticationOf(conversation);
  expectMethod(first.method, METHOD.saslContinue);
  const { clientFinal, accepts } = answer(textOf(first.data));
  await conversation.send("the password", encodeSaslResponse(clientFinal));
  const final = await authenticationOf(conversation);
  expectMethod(final.method, METHOD.saslFinal);
  if (!accepts(textOf(final.data)))
    throw new Error("the server does not know the password itself: it is not the one it should be");
  expectMethod((await authenticationOf(conversation)).method, METHOD.ok);
}

function expectMethod(found: number, expected: number): void {
  if (found !== expected)
    throw new Error(`the login: found an authentication of type ${found}, expected ${expected}`);
}

/** The rows that a simple query gives, of all its statements. @throws Error with what the server says is wrong. */
export async function query(
  conversation: Conversation,
  step: string,
  sql: string,
): Promise<readonly (readonly (string | null)[])[]> {
  await conversation.send(step, encodeQuery(sql));
  const rows: (readonly (string | null)[])[] = [];
  for (;;) {
    const message = await next(conversation, step);
    if (message.type === "ready") return rows;
    if (message.type !== "row") continue;
    if (rows.length === ROWS_MAX) throw new Error(`${step} gives more than ${ROWS_MAX} rows`);
    rows.push(message.values);
  }
}

async function authenticationOf(
  conversation: Conversation,
): Promise<Extract<Message, { type: "authentication" }>> {
  for (;;) {
    const message = await next(conversation, "the login");
    if (message.type === "authentication") return message;
    if (message.type !== "other")
      throw new Error(
        `the login: found a message of type ${message.type}, expected authentication`,
      );
  }
}

async function next(
  conversation: Conversation,
  step: string,
): Promise<Exclude<Message, { type: "error" }>> {
  const message = await conversation.receive(decodeMessage);
  if (message.type !== "error") return message;
  throw new Error(`${step}: ${message.text} (${message.code})`);
}
