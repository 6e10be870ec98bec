/** A checker for PostgreSQL: it lets us in, has the expected role, keeps up as a replica, and answers a query as expected. */
import { defineChecker } from "@karuntime/sdk";
import type { Conversation } from "../../conversation.ts";
import { converse, timeoutOption } from "../../conversation.ts";
import { readUpgrade, upgradeOptions } from "../../transport-security.ts";
import { encodeTerminate } from "./protocol.ts";
import { goOverToTls, logIn, query } from "./session.ts";

/**
 * Whether it is a replica, how many seconds it is behind, and how many replicas it has. A replica that streams and has
 * replayed everything is not behind, however long ago the primary wrote last.
 */
const REPLICATION = `SELECT pg_is_in_recovery(),
  CASE
    WHEN NOT pg_is_in_recovery() THEN 0
    WHEN pg_last_wal_replay_lsn() >= pg_last_wal_receive_lsn()
      AND EXISTS (SELECT FROM pg_stat_wal_receiver) THEN 0
    ELSE round(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::numeric, 3)
  END,
  (SELECT count(*) FROM pg_stat_replication)`;

interface Replication {
  readonly role: "primary" | "replica";
  /** Null when the server does not know. */
  readonly lagSeconds: number | null;
  readonly connectedReplicas: number;
}

export default defineChecker({
  permissions: {
    files: ["{ca}", "{certificate}"],
    secrets: ["{secret}", "{keySecret}"],
    metrics: true,
  },
  options: {
    user: { type: "string", description: "the role to log in as" },
    database: { type: "string", default: "postgres", description: "the database to connect to" },
    secret: { type: "string", default: "", description: "the secret that is the password" },
    cleartext: {
      type: "boolean",
      default: false,
      description: "send the password as it is when the server asks for that, also without tls",
    },
    role: {
      type: "string",
      choices: ["any", "primary", "replica"],
      default: "any",
      description: "what it must be",
    },
    maxLagSeconds: {
      type: "number",
      default: 60,
      min: 0,
      description: "a replica that is further behind is down; 0 is no limit",
    },
    query: { type: "string", default: "", description: "SQL that gives a single value" },
    expect: { type: "string", default: "", description: "what the value of the query must be" },
    ...timeoutOption,
    ...upgradeOptions,
  },
  async check(context) {
    const { options, secrets, metrics } = context;
    const { user, database, role, timeoutMs, maxLagSeconds } = options;
    const password = options.secret === "" ? undefined : await secrets.get(options.secret);
    const cleartext = options.cleartext || options.tls;
    const upgrade = await readUpgrade(options, context);
    return converse(context, { timeoutMs }, async (conversation) => {
      if (upgrade !== undefined) await goOverToTls(conversation, upgrade);
      await logIn(conversation, { user, database, password, cleartext });
      // A server does not notice that a client has gone: without the limit, slow queries would pile up.
      const begin = `BEGIN READ ONLY; SET LOCAL statement_timeout = ${Math.ceil(timeoutMs)}`;
      await query(conversation, "BEGIN", begin);
      const replication = await replicationOf(conversation);
      await metrics.gauge("postgres_connected_replicas", replication.connectedReplicas);
      if (replication.lagSeconds !== null)
        await metrics.gauge("postgres_replication_lag_seconds", replication.lagSeconds);
      const reason =
        (role === "any" ? undefined : unfit(replication, role, maxLagSeconds)) ??
        (options.query === ""
          ? undefined
          : await unexpected(conversation, options.query, options.expect));
      // For a pooler, which would else have to close its own connection.
      await query(conversation, "ROLLBACK", "ROLLBACK");
      await conversation.send("the end", encodeTerminate());
      return reason;
    });
  },
});

async function replicationOf(conversation: Conversation): Promise<Replication> {
  const [row] = await query(conversation, "the question for its role", REPLICATION);
  const [inRecovery, lagSeconds = null, connectedReplicas] = row ?? [];
  return {
    role: inRecovery === "t" ? "replica" : "primary",
    lagSeconds: lagSeconds === null ? null : Number(lagSeconds),
    connectedReplicas: Number(connectedReplicas),
  };
}

/** Why a server with this replication is not what is wanted. */
function unfit(
  { role, lagSeconds }: Replication,
  wanted: Replication["role"],
  maxLagSeconds: number,
): string | undefined {
  if (role !== wanted) return `it is a ${role}, expected a ${wanted}`;
  if (role === "primary" || maxLagSeconds === 0) return undefined;
  if (lagSeconds === null) return "it does not know how far it is behind its primary";
  if (lagSeconds <= maxLagSeconds) return undefined;
  return `it is ${lagSeconds} s behind its primary, expected at most ${maxLagSeconds} s`;
}

/** Why the configured query's answer is not what is wanted. */
async function unexpected(
  conversation: Conversation,
  sql: string,
  expected: string,
): Promise<string | undefined> {
  const rows = await query(conversation, "the query", sql);
  const values = rows.flat();
  if (rows.length !== 1 || values.length !== 1)
    return `the query gives ${rows.length} rows with ${values.length} values, expected a single value`;
  const [value] = values;
  if (value === expected) return undefined;
  return `the query gives ${value === null ? "NULL" : JSON.stringify(value)}, expected ${JSON.stringify(expected)}`;
}
