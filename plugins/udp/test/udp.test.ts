/** The udp checker, a real Unbound and a small server of text: healthy, wrong, silent, slow, hung, stopped. */
import type { Socket } from "node:dgram";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import {
  becomes,
  freePort,
  noIPv6,
  noUnbound,
  serveDns,
  temporaryFolder,
  withProject,
} from "../../testing.ts";

const WAIT_MS = 300;
const SLOW_MS = 900;
/** Asks for the A record of www.example.test; the answer begins with the id, its flags, and how many questions and records there are. */
const QUESTION = "abcd 0100 0001 0000 0000 0000 03777777 076578616d706c65 0474657374 00 0001 0001";

const check = (name: string, port: number, options: object, address = "127.0.0.1"): string =>
  `${name}: { plugin: "@karuntime/udp", target: "${address}:${port}", interval: "100ms", timeout: "1s", options: ${JSON.stringify({ waitMs: WAIT_MS, ...options })} },`;

describe("the udp checker", () => {
  let server: Socket;

  before(async () => {
    server = createSocket("udp4").bind(0, "127.0.0.1");
    await once(server, "listening");
    server.on("message", (message, { port, address }) => {
      const said = message.toString();
      if (said === "ping") server.send("pong 1", port, address);
      if (said === "slow") setTimeout(() => server.send("pong", port, address), SLOW_MS);
    });
  });
  after(() => server.close());

  test("is up for what begins as expected, and says what is wrong", async () => {
    const { port } = server.address();
    await withProject(
      `checks: {
        ${check("text", port, { send: "ping", expect: "pong" })}
        ${check("regex", port, { send: "70 69 6e 67", sendAs: "hex", expect: "p.ng \\d$", expectAs: "regex" })}
        ${check("any", port, { send: "ping" })}
        ${check("unanswered", port, { send: "silence", answer: false })}
        ${check("wrong", port, { send: "ping", expect: "ok" })}
        ${check("silent", port, { send: "silence" })}
        ${check("slow", port, { send: "slow" })}
        ${check("closed", await freePort(), { send: "ping" })}
        ${check("closedUnanswered", await freePort(), { send: "ping", answer: false })}
        ${check("mistyped", port, { send: "xyz", sendAs: "hex" })}
      },`,
      async (project) => {
        for (const name of ["text", "regex", "any", "unanswered"])
          await becomes(project, name, "up");
        await becomes(project, "wrong", "down", /^it answered 70 6f 6e 67 20 31, expected "ok"$/);
        await becomes(project, "silent", "down", /^no answer within 300 ms$/);
        await becomes(project, "slow", "down", /^no answer within 300 ms$/);
        await becomes(project, "closed", "down", /nobody listens there/);
        await becomes(project, "closedUnanswered", "down", /nobody listens there/);
        await becomes(project, "mistyped", "error", /found "xyz", expected pairs of hex digits/);
      },
    );
  });

  test("sees a real server hang and end", { skip: noUnbound }, async () => {
    const folder = temporaryFolder();
    const port = await freePort();
    const unbound = serveDns(folder.path, port, "allow");
    const question = {
      send: QUESTION,
      sendAs: "hex",
      expect: "abcd 8580 0001 0002",
      expectAs: "hex",
    };
    try {
      await withProject(
        `checks: {
          ${check("answered", port, question)}
          ${check("reachable", port, { ...question, answer: false })}
          ${noIPv6 === false ? check("ipv6", port, question, "[::1]") : ""}
        },`,
        async (project) => {
          await becomes(project, "answered", "up");
          await becomes(project, "reachable", "up");
          if (noIPv6 === false) await becomes(project, "ipv6", "up");
          unbound.signal("SIGSTOP");
          await becomes(project, "answered", "down", /^no answer within 300 ms$/);
          // Its port is still open: whoever wants no answer cannot tell.
          await becomes(project, "reachable", "up");
          unbound.signal("SIGCONT");
          await becomes(project, "answered", "up");
          await unbound.stop();
          await becomes(project, "answered", "down", /nobody listens there/);
          await becomes(project, "reachable", "down", /nobody listens there/);
        },
      );
    } finally {
      await unbound.stop();
      folder.remove();
    }
  });
});
