/** The process of a sandbox host for the author of a plugin. It needs little code, so that it can start before the rest is loaded. */
import type { ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import { sandboxUser } from "../config/sandbox-user.ts";
import { createMemoryGroup } from "../linux/cgroup.ts";
import { spawnSandboxHost } from "../sandbox/spawn.ts";

const MEMORY_BYTES = 128 * 1024 * 1024;
/** A host ends what is too large in it before the kernel ends the host. */
const OWN_SHARE = 7 / 8;
const COMPLAINT_CHARACTERS_MAX = 2000;

export interface HostProcess {
  readonly child: ChildProcess;
  readonly channel: Socket;
  /** The files that its plugins can be granted. */
  readonly readable: readonly string[];
  /** What it wrote by itself: that says why it crashed. */
  complaint(): string;
  /** Resolves when it is gone. */
  stop(): Promise<void>;
}

/** @param user whom plugins run as; undefined: the usual one. */
export function startHostProcess(
  user: string | undefined,
  readable: readonly string[],
): HostProcess {
  const { child, channel } = spawnSandboxHost({
    user: sandboxUser(user),
    memoryBytes: Math.floor(MEMORY_BYTES * OWN_SHARE),
    readable,
  });
  const memory = createMemoryGroup(`develop-${child.pid}`, MEMORY_BYTES);
  if (child.pid !== undefined) memory?.add(child.pid);
  const gone = new Promise<void>((resolve) => {
    child.on("exit", () => {
      memory?.remove();
      resolve();
    });
    child.on("error", () => resolve());
  });
  let complaint = "";
  child.stderr?.on("data", (data: Buffer) => {
    complaint += data.toString("utf8").slice(0, COMPLAINT_CHARACTERS_MAX - complaint.length);
  });
  return {
    child,
    channel,
    readable,
    complaint: () => complaint.trim(),
    stop() {
      channel.destroy();
      child.kill("SIGKILL");
      return gone;
    },
  };
}
