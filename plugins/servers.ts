/**
 * Real servers for the tests of plugins: each in a folder of its own, run by an unprivileged user on a free port of the
 * loopback; and others there that behave as no server should.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  accessSync,
  chownSync,
  constants,
  globSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import type { AddressInfo, Server, Socket } from "node:net";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { CheckReport } from "../runtime/dist/sandbox/protocol.js";
import type { Project } from "../runtime/test/sandbox/plugins.ts";

const NOBODY = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
/** Where Debian has programs that are not on everyone's PATH. */
const FURTHER_FOLDERS = [
  "/usr/sbin",
  ...globSync("/usr/lib/postgresql/*/bin").toSorted().toReversed(),
];
const OUTPUT_CHARACTERS_MAX = 2000;

/** The path of a program; undefined when it is not installed. */
export function findProgram(name: string): string | undefined {
  return [...(process.env["PATH"] ?? "").split(delimiter), ...FURTHER_FOLDERS]
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Why a test that needs these programs is skipped; false when they are all there. */
export function missing(packageName: string, ...names: readonly string[]): string | false {
  const absent = names.find((name) => findProgram(name) === undefined);
  return absent === undefined
    ? false
    : `${absent} is not installed (Debian: apt-get install ${packageName})`;
}

export interface ServerFolder {
  readonly path: string;
  /** Runs a program to its end. @throws Error with what it wrote when it fails. */
  run(name: string, argv: readonly string[], input?: string): void;
  /** Writes a file that the servers alone may read. @returns its path. */
  write(name: string, text: string): string;
  /** Starts a server. */
  start(name: string, argv: readonly string[], stopSignal?: NodeJS.Signals): ServerProcess;
  /** Stops all that was started in it, and removes it. */
  remove(): Promise<void>;
}

export interface ServerProcess {
  /** It stays there and does nothing. */
  hang(): void;
  resume(): void;
  stop(): Promise<void>;
}

export function makeServerFolder(): ServerFolder {
  const path = mkdtempSync(join(tmpdir(), "karuntime-server-"));
  if (NOBODY.uid !== undefined) chownSync(path, NOBODY.uid, NOBODY.gid);
  const processes: ServerProcess[] = [];
  const programOf = (name: string): string => {
    const file = findProgram(name);
    if (file === undefined) throw new Error(`${name} is not installed`);
    return file;
  };
  const run: ServerFolder["run"] = (name, argv, input = "") => {
    const { status, stdout, stderr } = spawnSync(programOf(name), argv, {
      cwd: path,
      ...NOBODY,
      input,
      encoding: "utf8",
      timeout: 30_000,
    });
    if (status !== 0) throw new Error(`${name} ended with ${status}: ${stdout}${stderr}`);
  };
  return {
    path,
    run,
    write(name, text) {
      const file = join(path, name);
      writeFileSync(file, text, { mode: 0o600 });
      if (NOBODY.uid !== undefined) chownSync(file, NOBODY.uid, NOBODY.gid);
      return file;
    },
    start(name, argv, stopSignal = "SIGKILL") {
      const child = spawn(programOf(name), argv, {
        cwd: path,
        ...NOBODY,
        stdio: ["ignore", "pipe", "pipe"],
      });
      let output = "";
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (data: Buffer) => {
          output = `${output}${data.toString("utf8")}`.slice(-OUTPUT_CHARACTERS_MAX);
        });
      const ended = once(child, "close");
      let stopping = false;
      void ended.then(() => {
        if (!stopping) console.error(`${name} ended by itself: ${output}`);
      });
      const server: ServerProcess = {
        hang: () => void child.kill("SIGSTOP"),
        resume: () => void child.kill("SIGCONT"),
        async stop() {
          stopping = true;
          child.kill(stopSignal);
          child.kill("SIGCONT");
          await ended;
        },
      };
      processes.push(server);
      return server;
    },
    async remove() {
      for (const server of processes.toReversed()) await server.stop();
      rmSync(path, { recursive: true, force: true });
    },
  };
}

export interface Impostor {
  readonly port: number;
  stop(): void;
}

/** Accepts connections and says this; nothing at all when it is empty. */
export function startTalker(greeting: string | Uint8Array): Promise<Impostor> {
  return listening(
    createServer((socket) => {
      if (greeting.length > 0) socket.write(greeting);
    }),
  );
}

/** Passes on what comes for another port, and the answers so much later. */
export function startSlowProxy(port: number, delayMs: number): Promise<Impostor> {
  return listening(
    createServer((socket) => {
      const behind = connect(port, "127.0.0.1");
      behind.on("error", () => socket.destroy());
      behind.on("data", (data) => void setTimeout(() => socket.write(data), delayMs).unref());
      socket.on("data", (data) => void behind.write(data));
      socket.on("close", () => behind.destroy());
    }),
  );
}

async function listening(server: Server): Promise<Impostor> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    // Else the end of the other side is never seen.
    socket.resume();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Waits until a check's last result is this, for a reason like this. */
export async function becomes(
  project: Project,
  check: string,
  state: "up" | "down",
  reason = /^$/,
): Promise<void> {
  let last: CheckReport | undefined;
  try {
    await project.waitFor("it", async () => {
      last = await project.report(check);
      return last.state === state && reason.test(last.last?.reason ?? "") ? true : undefined;
    });
  } catch (error) {
    const found = `${last?.state}: ${JSON.stringify(last?.last?.reason)}`;
    throw new Error(`${check}: found ${found}, expected ${state}: ${String(reason)}`, {
      cause: error,
    });
  }
}
