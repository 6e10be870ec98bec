/** A session with one server of MySQL or MariaDB: from its handshake through authentication to queries. */
import type { Conversation } from "../../conversation.ts";
import type { Upgrade } from "../../transport-security.ts";
import { withoutTls } from "../../transport-security.ts";
import { CACHING_SHA2, NATIVE, responseTo } from "./credentials.ts";
import type { Packet } from "./protocol.ts";
import {
  decodePacket,
  encodeLogin,
  encodePacket,
  encodePassword,
  encodeQuery,
  encodeQuit,
  encodeTlsRequest,
  isEnd,
  parseColumnName,
  parseHandshake,
  parseLoginAnswer,
  parseQueryAnswer,
  parseRow,
  ServerError,
} from "./protocol.ts";

const COLUMNS_MAX = 200;
const ROWS_MAX = 100;
/** What caching_sha2_password says when it knows the answer, and when it wants the password itself. */
const [KNOWN, FULL_AUTHENTICATION] = [3, 4];

/** A row's values by the names of their columns. */
export type Row = ReadonlyMap<string, string | null>;

/**
 * Logs in, over TLS where that is wanted.
 *
 * @throws Error with what the server says is wrong, or what it asks for that cannot be given.
 */
export async function logIn(
  conversation: Conversation,
  { user, password }: { readonly user: string; readonly password: string },
  upgrade: Upgrade | undefined,
): Promise<void> {
  let greeting = await next(conversation);
  const { nonce, method, tls: offered } = parseHandshake(greeting.payload);
  const tls = upgrade !== undefined && offered;
  if (tls) {
    await reply(conversation, greeting, encodeTlsRequest());
    await conversation.startTls(upgrade.init);
    greeting = { ...greeting, sequence: greeting.sequence + 1 };
  } else if (upgrade?.required === true) {
    throw withoutTls("its handshake does not offer it");
  }
  // Of another method than these the server is told no more than that it is not known.
  const proposed = method === CACHING_SHA2 ? method : NATIVE;
  const response = await responseTo(proposed, nonce, password);
  await reply(conversation, greeting, encodeLogin(user, proposed, response, tls));
  for (;;) {
    const packet = await next(conversation);
    const answer = named("the login", () => parseLoginAnswer(packet.payload));
    if (answer.type === "ok") return;
    if (answer.type === "switch") {
      await reply(conversation, packet, await responseTo(answer.method, answer.nonce, password));
    } else if (answer.data[0] === FULL_AUTHENTICATION) {
      // Over TLS with nobody knows whom, it would be anybody's.
      if (upgrade?.required !== true)
        throw new Error(
          `the server does not have the user's password in its cache, and ${CACHING_SHA2} then wants the password itself, which is sent only with options.tls`,
        );
      await reply(conversation, packet, encodePassword(password));
    } else if (answer.data[0] !== KNOWN) {
      throw new Error(
        `the login: found the answer ${JSON.stringify([...answer.data.subarray(0, 20)])}, expected [${KNOWN}]`,
      );
    }
  }
}

/** The rows that a query gives. @throws ServerError with what the server says is wrong; Error for anything else. */
export async function query(conversation: Conversation, sql: string): Promise<readonly Row[]> {
  await conversation.send(sql, encodePacket(0, encodeQuery(sql)));
  const payload = async (): Promise<Uint8Array> => (await next(conversation)).payload;
  const first = await payload();
  const answer = named(sql, () => parseQueryAnswer(first));
  if (answer.type === "ok") return [];
  if (answer.count > COLUMNS_MAX)
    throw new Error(`${sql} gives ${answer.count} columns, expected at most ${COLUMNS_MAX}`);
  const names: string[] = [];
  for (let definition = await payload(); !isEnd(definition); definition = await payload()) {
    if (names.length === answer.count)
      throw new Error(`${sql} gives more columns than the ${answer.count} that it announced`);
    names.push(parseColumnName(definition));
  }
  const rows: Row[] = [];
  for (;;) {
    const values = parseRow(await payload(), names.length);
    if (values === undefined) return rows;
    if (rows.length === ROWS_MAX) throw new Error(`${sql} gives more than ${ROWS_MAX} rows`);
    rows.push(new Map(names.map((name, index) => [name, values[index] ?? null])));
  }
}

/** Takes leave, so that the server does not count it as a connection that broke. */
export function logOut(conversation: Conversation): Promise<void> {
  return conversation.send("the end", encodePacket(0, encodeQuit()));
}

function next(conversation: Conversation): Promise<Packet> {
  return conversation.receive(decodePacket);
}

function reply(conversation: Conversation, to: Packet, payload: Uint8Array): Promise<void> {
  return conversation.send("the login", encodePacket((to.sequence + 1) % 256, payload));
}

/** Has what the server says is wrong begin with what it is about. */
function named<T>(step: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    throw new ServerError(error.code, `${step}: ${error.message}`);
  }
}
