/** A checker for MySQL and MariaDB: it lets us in, has the expected role, and keeps up as a replica. */
import { defineChecker } from "@karuntime/sdk";
import type { Conversation } from "../../conversation.ts";
import { converse, timeoutOption } from "../../conversation.ts";
import { readUpgrade, upgradeOptions } from "../../transport-security.ts";
import { ServerError } from "./protocol.ts";
import { channelOf, unfitReplica } from "./replication.ts";
import type { Row } from "./session.ts";
import { logIn, logOut, query } from "./session.ts";

const SYNTAX_ERROR = 1064;

export default defineChecker({
  permissions: {
    files: ["{ca}", "{certificate}"],
    secrets: ["{secret}", "{keySecret}"],
    metrics: true,
  },
  options: {
    user: { type: "string", description: "the user to log in as" },
    secret: { type: "string", default: "", description: "the secret that is the password" },
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
    ...timeoutOption,
    ...upgradeOptions,
  },
  async check(context) {
    const { options, secrets, metrics } = context;
    const { role, user, timeoutMs } = options;
    const password = options.secret === "" ? "" : await secrets.get(options.secret);

    async function judgeReplica(conversation: Conversation): Promise<string | undefined> {
      const channels = (await replicaStatus(conversation)).map(channelOf);
      const lags = channels.map(({ lagSeconds }) => lagSeconds).filter((lag) => lag !== null);
      if (lags.length > 0) await metrics.gauge("mysql_replication_lag_seconds", Math.max(...lags));
      return unfitReplica(channels, options.maxLagSeconds);
    }

    const upgrade = await readUpgrade(options, context);
    return converse(context, { timeoutMs }, async (conversation) => {
      await logIn(conversation, { user, password }, upgrade);
      const [row] = await query(conversation, "SELECT @@global.read_only AS read_only");
      const value = row?.get("read_only") ?? "";
      const writable = value === "0" || value === "OFF";
      const reason =
        role !== "any" && writable !== (role === "primary")
          ? `it has read_only = ${value}, expected a ${role}`
          : role === "replica"
            ? await judgeReplica(conversation)
            : undefined;
      await logOut(conversation);
      return reason;
    });
  },
});

async function replicaStatus(conversation: Conversation): Promise<readonly Row[]> {
  try {
    return await query(conversation, "SHOW REPLICA STATUS");
  } catch (error) {
    // Before MySQL 8.0.22 and MariaDB 10.5.
    if (error instanceof ServerError && error.code === SYNTAX_ERROR)
      return query(conversation, "SHOW SLAVE STATUS");
    throw error;
  }
}
