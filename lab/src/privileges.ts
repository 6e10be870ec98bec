/** What a lab needs of the kernel, and how to get it without root: a user namespace in which the caller is root. */
import { spawn, spawnSync } from "node:child_process";

/** Set in the process that runs inside the user namespace, so that it does not try again. */
const INSIDE = "KARUNTIME_LAB_USER_NAMESPACE";

/** `user-namespace`: a single user, who is root only inside. */
export type LabPrivileges = "root" | "user-namespace";

export function inUserNamespace(): boolean {
  return process.env[INSIDE] !== undefined;
}

/** What is different without root, for the reader. */
export const WITHOUT_ROOT: readonly string[] = [
  "the engine runs without real-time scheduling (SCHED_RR)",
  "plugins run as the same user as the daemon, because the namespace has only one",
  "nginx's workers run as that user too",
];

/**
 * Makes sure that this process may create namespaces. As root it returns at once. Without root it runs this very
 * command again inside a user namespace and ends with that command's status: call it first thing.
 *
 * @throws Error when this is not root and the kernel refuses user namespaces.
 */
export async function ensureLabPrivileges(): Promise<LabPrivileges> {
  if (inUserNamespace()) return "user-namespace";
  if (process.getuid?.() === 0) return "root";

  const enter = ["--user", "--map-root-user"];
  // Tried with what the lab will do, because a kernel may allow the user namespace and refuse what is inside.
  const trial = spawnSync(
    "unshare",
    [...enter, "--net", "--pid", "--fork", "--mount-proc", "true"],
    {
      encoding: "utf8",
    },
  );
  if (trial.status !== 0) {
    throw new Error(
      `the lab puts each of its hosts into namespaces, which needs root here: this machine refuses them to other users ` +
        `(${(trial.error?.message ?? trial.stderr).trim()}). Run it as root.`,
    );
  }
  const again = spawn(
    "unshare",
    [...enter, "--", process.execPath, ...process.execArgv, ...process.argv.slice(1)],
    { stdio: "inherit", env: { ...process.env, [INSIDE]: "1" } },
  );
  // A terminal's Ctrl-C reaches both processes; the inner one decides, this one reports its end.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => again.kill("SIGTERM"));
  return new Promise((_, reject) => {
    again.once("error", reject);
    again.once("exit", (code) => process.exit(code ?? 1));
  });
}
