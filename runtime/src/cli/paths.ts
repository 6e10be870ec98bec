/** Where things are when the command line does not say. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

const CONFIGURATION_FILES = [
  "karuntime.config.ts",
  "/etc/karuntime/karuntime.config.ts",
  "/etc/keepalived/keepalived.conf",
];

/** @throws Error when no configuration is named and none is in the usual places. */
export function configurationFile(given: string | undefined): string {
  const file = existingConfiguration(given);
  if (file === undefined)
    throw new Error(
      `no configuration: none of ${CONFIGURATION_FILES.join(", ")} exists; name one with -c FILE`,
    );
  return resolve(file);
}

/** The configuration that is named, or the first one in the usual places. */
export function existingConfiguration(given: string | undefined): string | undefined {
  return given ?? CONFIGURATION_FILES.find((candidate) => existsSync(candidate));
}

/** The folder of the daemon's sockets. */
export function runtimeDirectory(given: string | undefined): string {
  if (given !== undefined) return resolve(given);
  const base = process.getuid?.() === 0 ? "/run" : process.env["XDG_RUNTIME_DIR"];
  if (base === undefined || base === "")
    throw new Error(
      "without root and XDG_RUNTIME_DIR there is no usual place for the sockets; name one with --runtime-directory DIR",
    );
  return join(base, "karuntime");
}

/** The folder of what plugins keep. */
export function stateDirectory(given: string | undefined): string {
  if (given !== undefined) return resolve(given);
  if (process.getuid?.() === 0) return "/var/lib/karuntime";
  return join(process.env["XDG_STATE_HOME"] ?? join(homedir(), ".local", "state"), "karuntime");
}
