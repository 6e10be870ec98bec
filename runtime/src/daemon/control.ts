/** The unix socket behind `karuntime status`: mode 0600, one JSON question a connection. */
import { chmodSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { Server } from "node:net";
import { jsonLines } from "../json-lines.ts";
import type { StatusReport } from "../observe/status.ts";

const QUESTION_BYTES_MAX = 4096;
const ANSWER_MS_MAX = 5000;
const CONNECTIONS_MAX = 32;

export type ControlQuestion = { readonly type: "status" };
export type ControlAnswer =
  | { readonly type: "status"; readonly status: StatusReport }
  | { readonly type: "error"; readonly message: string };

/**
 * Listens on `path`. Whether another daemon lives there is the caller's to find out first, with `askControl`.
 *
 * @throws the error of listen(2).
 */
export function serveControl(path: string, status: () => Promise<StatusReport>): Promise<Server> {
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    const lines = jsonLines<ControlAnswer>(
      socket,
      (question) => {
        if (!isStatusQuestion(question))
          return void lines.send({ type: "error", message: 'expected { "type": "status" }' });
        void status().then((report) => lines.send({ type: "status", status: report }));
      },
      () => undefined,
      QUESTION_BYTES_MAX,
    );
  });
  server.maxConnections = CONNECTIONS_MAX;
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    // The mask closes the moment between bind(2) and chmod(2).
    const mask = process.umask(0o177);
    server.listen(path, () => {
      chmodSync(path, 0o600);
      resolve(server);
    });
    process.umask(mask);
  });
}

/** Asks the daemon at `path`. Resolves undefined when none is there. Rejects when the socket cannot be used or no answer comes within 5 s. */
export function askControl(
  path: string,
  question: ControlQuestion,
): Promise<ControlAnswer | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const timer = setTimeout(() => {
      lines.close();
      reject(new Error(`the daemon at ${path} did not answer within ${ANSWER_MS_MAX / 1000} s`));
    }, ANSWER_MS_MAX);
    const lines = jsonLines<ControlQuestion>(
      socket,
      (answer) => {
        clearTimeout(timer);
        lines.close();
        resolve(answer as ControlAnswer);
      },
      (reason) => {
        clearTimeout(timer);
        if (reason === undefined || /ENOENT|ECONNREFUSED/.test(reason)) resolve(undefined);
        else reject(new Error(reason));
      },
    );
    socket.once("connect", () => lines.send(question));
  });
}

function isStatusQuestion(value: unknown): value is ControlQuestion {
  return typeof value === "object" && value !== null && "type" in value && value.type === "status";
}
