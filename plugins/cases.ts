/** What the checkers' tests share: cases that are judged once, and a check that is watched while its server changes. */
import assert from "node:assert/strict";
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import type { Judgement, Project } from "../runtime/test/sandbox/plugins.ts";
import { configuration, startProject } from "../runtime/test/sandbox/plugins.ts";

/** A plugin of this workspace with its options, and what it is granted. */
export interface Use {
  readonly plugin: string;
  readonly target?: string;
  readonly options?: object;
  readonly grant?: object;
}

/** A use, and the reason for which the check is down; "" when it is up. */
export type Case = readonly [use: Use, reason: string | RegExp];

/** Runs each case once, all in one project. @param parts of the configuration beside the checks. */
export async function judgeCases(cases: Readonly<Record<string, Case>>, parts = ""): Promise<void> {
  const checks = Object.fromEntries(
    Object.entries(cases).map(([name, [use]]) => [
      name,
      { ...use, interval: "60s", timeout: "10s" },
    ]),
  );
  const project = await start(checks, parts);
  try {
    for (const [name, [, reason]] of Object.entries(cases)) {
      const judged = await project.judged(name);
      if (typeof reason === "string") assert.equal(judged.reason, reason, name);
      else assert.match(judged.reason, reason, name);
      assert.equal(judged.state, reason === "" ? "up" : "down", name);
    }
  } finally {
    await project.stop();
  }
}

/** Runs one check again and again, while `body` changes what it looks at. */
export async function watchCase(
  use: Use,
  body: (becomes: (state: "up" | "down") => Promise<Judgement>, project: Project) => Promise<void>,
  parts = "",
): Promise<void> {
  const project = await start({ watched: { ...use, interval: "100ms", timeout: "10s" } }, parts);
  const becomes = (state: "up" | "down"): Promise<Judgement> =>
    project.waitFor(`its being ${state}`, () => {
      const last = project.judgements.at(-1);
      return last?.state === state ? last : undefined;
    });
  try {
    await body(becomes, project);
  } finally {
    await project.stop();
  }
}

function start(checks: object, parts: string): Promise<Project> {
  return startProject({
    "karuntime.config.ts": configuration(`checks: ${JSON.stringify(checks)}, ${parts}`),
  });
}

/** Servers of a test, one for each way to answer; all end together. */
export function createServers(): {
  /** @returns its port of 127.0.0.1. */
  listen(serve: (socket: Socket) => void): Promise<number>;
  close(): void;
} {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  return {
    async listen(serve) {
      const server = createServer((socket) => {
        sockets.add(socket);
        socket.on("error", () => undefined);
        serve(socket);
      });
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return (server.address() as AddressInfo).port;
    },
    close() {
      for (const server of servers) server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
