/**
 * What the tests of the databases' checkers have in common: servers in a folder, others that are none, and one project with a check
 * for each way to look at them.
 */
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Project } from "../runtime/test/sandbox/plugins.ts";
import { configuration, startProject } from "../runtime/test/sandbox/plugins.ts";
import type { Impostor, ServerFolder } from "./servers.ts";
import { becomes, makeServerFolder, startSlowProxy, startTalker } from "./servers.ts";
import { freePort } from "./testing.ts";

const TIMEOUT_MS = 600;

/** Where a check looks, with which options, and why it must be down; up without a reason. */
export type Look = readonly [port: number, options?: object, reason?: RegExp];
export type Looks = Readonly<Record<string, Look>>;

export interface Grounds {
  readonly folder: ServerFolder;
  /** Greets like this, and says nothing more. @returns its port. */
  talker(greeting: string | Uint8Array): Promise<number>;
  /**
   * Looks at what is not there, at what is silent, at what speaks HTTP, and at a server of which too long nothing is heard.
   *
   * @param awaited what the checker waits for first.
   */
  strangers(protocol: string, awaited: string, server: number): Promise<Looks>;
}

export interface Suite {
  readonly folder: ServerFolder;
  readonly project: Project;
  becomes(check: string, state: "up" | "down", reason?: RegExp): Promise<void>;
}

/**
 * To be called in `describe`: starts all, has a test judge each look, and ends all.
 *
 * @param plugin the name of its folder.
 * @param parts the configuration's secrets, and what all checks have among their options.
 * @param prepare starts the servers. @returns the checks by their names.
 */
export function suite(
  plugin: string,
  parts: { readonly secrets: Readonly<Record<string, string>>; readonly options: object },
  prepare: (grounds: Grounds) => Promise<Looks>,
): Suite {
  let folder: ServerFolder;
  let project: Project;
  let looks: Looks = {};
  const impostors: Impostor[] = [];

  async function standIn(started: Promise<Impostor>): Promise<number> {
    const impostor = await started;
    impostors.push(impostor);
    return impostor.port;
  }
  const talker: Grounds["talker"] = (greeting) => standIn(startTalker(greeting));
  const strangers: Grounds["strangers"] = async (protocol, awaited, server) => {
    const late = new RegExp(`^no ${awaited} within ${TIMEOUT_MS} ms`);
    const foreign = new RegExp(
      `^the server does not speak the ${protocol} protocol: "HTTP/1.1 400`,
    );
    return {
      refused: [await freePort(), {}, /the connection is refused/],
      silent: [await talker(""), {}, late],
      wrong: [await talker("HTTP/1.1 400 Bad Request\r\n\r\n"), {}, foreign],
      slow: [await standIn(startSlowProxy(server, TIMEOUT_MS + 100)), {}, late],
    };
  };

  before(async () => {
    folder = makeServerFolder();
    looks = await prepare({ folder, talker, strangers });
    const checks = Object.entries(looks).map(([name, [port, options]]) => [
      name,
      {
        plugin: fileURLToPath(new URL(`./${plugin}/src/index.ts`, import.meta.url)),
        target: `127.0.0.1:${port}`,
        options: { timeoutMs: TIMEOUT_MS, ...parts.options, ...options },
        interval: "300ms",
        timeout: "2s",
      },
    ]);
    const secrets = JSON.stringify(parts.secrets);
    project = await startProject({
      "karuntime.config.ts": configuration(
        `secrets: ${secrets}, checks: ${JSON.stringify(Object.fromEntries(checks))},`,
      ),
    });
  });
  after(async () => {
    await project?.stop();
    for (const impostor of impostors) impostor.stop();
    await folder?.remove();
  });

  test("each check judges what it looks at", async () => {
    await Promise.all(
      Object.entries(looks).map(([name, [, , reason]]) =>
        becomes(project, name, reason === undefined ? "up" : "down", reason),
      ),
    );
  });

  return {
    get folder() {
      return folder;
    },
    get project() {
      return project;
    },
    becomes: (check, state, reason) => becomes(project, check, state, reason),
  };
}
