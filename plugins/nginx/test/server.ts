/** An nginx for a test: one process under a name of its own, with a folder, and a free port. */
import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../testing.ts";

const NGINX = "/usr/sbin/nginx";
const WAIT_MS_MAX = 10_000;

/** Why there can be none here; false when there can. */
export const withoutNginx = existsSync(NGINX) ? false : `${NGINX} is not installed`;

export interface Nginx {
  readonly folder: string;
  /** The process's name. */
  readonly name: string;
  readonly port: number;
  /** What starts it as a daemon: then the test has to end it with `quit`. */
  readonly command: readonly string[];
  start(): Promise<void>;
  /** It keeps its port, and answers nothing until it resumes. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
  /** Ends the daemon that `command` started. */
  quit(): Promise<void>;
  /** Stops it, and leaves nothing behind. */
  remove(): Promise<void>;
}

/**
 * @param site what is in the `http` block, for a port.
 * @param files further ones for the folder, readable to everybody.
 */
export async function createNginx(
  site: (port: number) => string,
  files: Readonly<Record<string, string>> = {},
): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), "karuntime-nginx-"));
  chmodSync(folder, 0o755);
  const port = await freePort();
  const name = `ng${port}`;
  const binary = join(folder, name);
  copyFileSync(NGINX, binary);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `${kind}_temp_path ${folder}/${kind};`)
    .join(" ");
  writeFileSync(
    join(folder, "nginx.conf"),
    `master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events {}
http { access_log off; ${temporary} ${site(port)} }
`,
  );
  const command = [
    binary,
    "-p",
    folder,
    "-c",
    join(folder, "nginx.conf"),
    "-e",
    join(folder, "log"),
  ];
  let child: ChildProcess | undefined;

  const nginx: Nginx = {
    folder,
    name,
    port,
    command,
    async start() {
      const [file = "", ...argv] = command;
      child = spawn(file, [...argv, "-g", "daemon off;"], { stdio: "ignore" });
      await listening(port);
    },
    pause: () => void child?.kill("SIGSTOP"),
    resume: () => void child?.kill("SIGCONT"),
    async stop() {
      const ended = child;
      child = undefined;
      if (ended === undefined || ended.exitCode !== null) return;
      const exit = new Promise((resolve) => ended.once("exit", resolve));
      ended.kill("SIGKILL");
      await exit;
    },
    async quit() {
      execFileSync(binary, [...command.slice(1), "-s", "stop"], { stdio: "ignore" });
      await until("nginx's end", async () => !existsSync(join(folder, "pid")));
    },
    async remove() {
      await nginx.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return nginx;
}

/** Waits until somebody listens there. */
export function listening(port: number): Promise<void> {
  return until(
    `a server on port ${port}`,
    () =>
      new Promise((resolve) => {
        const socket = connect(port, "127.0.0.1", () => {
          socket.destroy();
          resolve(true);
        });
        socket.on("error", () => resolve(false));
      }),
  );
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WAIT_MS_MAX;
  while (!(await holds())) {
    if (performance.now() > deadline)
      throw new Error(`${what} did not come within ${WAIT_MS_MAX} ms`);
    await sleep(20);
  }
}
