/** A checker for redis: it lets us in, answers PING, has the expected role, and as a replica keeps up with its master. */
import { defineChecker } from "@karuntime/sdk";
import type { Conversation } from "../../conversation.ts";
import { converse, timeoutOption } from "../../conversation.ts";
import { readTls, tlsOptions } from "../../transport-security.ts";
import type { Replication } from "./resp.ts";
import { decodeReply, encodeCommand, parseReplication } from "./resp.ts";

export default defineChecker({
  permissions: {
    files: ["{ca}", "{certificate}"],
    secrets: ["{secret}", "{keySecret}"],
    metrics: true,
  },
  options: {
    user: { type: "string", default: "", description: "the ACL user; without one, the default" },
    secret: {
      type: "string",
      default: "",
      description: "the secret that is the password; without one, no AUTH is sent",
    },
    role: {
      type: "string",
      choices: ["any", "master", "replica"],
      default: "any",
      description: "what it must be",
    },
    maxLagSeconds: {
      type: "number",
      default: 60,
      min: 0,
      description: "a replica whose master has been silent for longer is down; 0 is no limit",
    },
    ...timeoutOption,
    ...tlsOptions,
  },
  async check(context) {
    const { options, secrets, metrics } = context;
    const password = options.secret === "" ? undefined : await secrets.get(options.secret);
    const tls = options.tls ? await readTls(options, context) : undefined;
    return converse(context, { timeoutMs: options.timeoutMs, tls }, async (conversation) => {
      if (password !== undefined) {
        const credentials = options.user === "" ? [password] : [options.user, password];
        await ask(conversation, "AUTH", ...credentials);
      }
      const pong = await ask(conversation, "PING");
      if (pong !== "PONG") return `PING: found ${JSON.stringify(pong)}, expected "PONG"`;
      const replication = parseReplication(await ask(conversation, "INFO", "replication"));
      await metrics.gauge("redis_connected_replicas", replication.connectedReplicas);
      await metrics.gauge("redis_replication_lag_bytes", replication.lagBytes);
      return options.role === "any"
        ? undefined
        : unfit(replication, options.role, options.maxLagSeconds);
    });
  },
});

/** The text that a command is answered with. @throws Error with what redis says is wrong. */
async function ask(
  conversation: Conversation,
  ...words: readonly [string, ...string[]]
): Promise<string> {
  const [command] = words;
  await conversation.send(command, encodeCommand(words));
  const reply = await conversation.receive(decodeReply);
  if (reply.type === "text") return reply.text;
  const hint = "; name the secret that is the password in options.secret";
  throw new Error(
    reply.type === "error"
      ? `${command}: ${reply.text}${reply.text.startsWith("NOAUTH") ? hint : ""}`
      : `${command}: found a reply of type ${reply.type}, expected a text`,
  );
}

/** Why a server with this replication is not what is wanted. */
function unfit(
  replication: Replication,
  wanted: "master" | "replica",
  maxLagSeconds: number,
): string | undefined {
  if (replication.role !== wanted) return `it is a ${replication.role}, expected a ${wanted}`;
  if (replication.role === "master") return undefined;
  const { linkUp, silentSeconds } = replication;
  if (!linkUp) return `its link to the master has been down for ${silentSeconds} s`;
  if (maxLagSeconds > 0 && silentSeconds > maxLagSeconds)
    return `its master has been silent for ${silentSeconds} s, expected at most ${maxLagSeconds} s`;
  return undefined;
}
