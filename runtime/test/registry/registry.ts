/** A registry of npm's kind on loopback, with nothing in it, and an npm that knows no other. */
import type { ChildProcess } from "node:child_process";
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { runServer } from "verdaccio";

const COMMAND_MS_MAX = 120_000;

export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Registry {
  readonly url: string;
  /** Runs a command whose npm speaks to this registry, without a terminal. */
  run(file: string, argv: readonly string[], cwd: string): Promise<CommandResult>;
  /** Runs it on a terminal, and types the answer when it has asked. Needs script(1). */
  onTerminal(command: string, cwd: string, asked: string, answer: string): Promise<CommandResult>;
  stop(): Promise<void>;
}

/** @param folder for what is published, npm's cache and its settings. */
export async function startRegistry(folder: string): Promise<Registry> {
  mkdirSync(folder, { recursive: true });
  const everybody = { access: ["$all"], publish: ["$authenticated"], unpublish: [] };
  const application: Server = await runServer({
    storage: join(folder, "storage"),
    configPath: join(folder, "config.yaml"),
    self_path: join(folder, "config.yaml"),
    auth: { htpasswd: { file: join(folder, "htpasswd"), max_users: 1 } },
    // Without uplinks nothing is asked of any other registry.
    uplinks: {},
    packages: { "@*/*": everybody, "**": everybody },
    web: { enable: false },
    log: { type: "stdout", format: "json", level: "fatal" },
  } as unknown as Parameters<typeof runServer>[0]);
  await new Promise<void>((resolve) => application.listen(0, "127.0.0.1", resolve));
  const place = `127.0.0.1:${(application.address() as AddressInfo).port}`;
  const url = `http://${place}/`;
  const settings = join(folder, "npmrc");
  const token = await signUp(url);
  writeFileSync(settings, `registry=${url}\n//${place}/:_authToken=${token}\n`);
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^npm_|^NODE_TEST_CONTEXT$|_proxy$/i.test(name),
  );
  const env = {
    ...Object.fromEntries(inherited),
    npm_config_userconfig: settings,
    npm_config_globalconfig: join(folder, "none"),
    npm_config_cache: join(folder, "cache"),
    npm_config_update_notifier: "false",
    npm_config_fund: "false",
    npm_config_audit: "false",
  };
  function start(
    file: string,
    argv: readonly string[],
    cwd: string,
  ): { readonly child: ChildProcess; readonly result: Promise<CommandResult> } {
    const { promise, resolve } = Promise.withResolvers<CommandResult>();
    const options = { cwd, env, timeout: COMMAND_MS_MAX };
    const child = execFile(file, [...argv], options, (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
    );
    return { child, result: promise };
  }
  return {
    url,
    run(file, argv, cwd) {
      const { child, result } = start(file, argv, cwd);
      child.stdin?.end();
      return result;
    },
    onTerminal(command, cwd, asked, answer) {
      const { child, result } = start("script", ["-qec", command, "/dev/null"], cwd);
      let shown = "";
      child.stdout?.on("data", (text: string) => {
        if (!shown.includes(asked) && (shown += text).includes(asked))
          child.stdin?.write(`${answer}\r`);
      });
      return result.finally(() => child.stdin?.destroy());
    },
    stop: () =>
      new Promise((resolve) => {
        application.close(() => resolve());
        application.closeAllConnections();
      }),
  };
}

async function signUp(url: string): Promise<string> {
  const name = "author";
  const answer = await fetch(`${url}-/user/org.couchdb.user:${name}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name, password: crypto.randomUUID() }),
  });
  const { token } = (await answer.json()) as { readonly token?: string };
  if (token === undefined) throw new Error(`the registry made no user: ${answer.status}`);
  return token;
}
