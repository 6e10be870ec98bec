/** `karuntime start`: the daemon in the foreground, until SIGTERM or SIGINT. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { ConfigurationError } from "../config/diagnostic.ts";
import { startDaemon } from "../daemon/daemon.ts";
import type { LogFormat, LogLevel } from "../observe/log.ts";
import { createLog } from "../observe/log.ts";
import { configurationFile, runtimeDirectory, stateDirectory } from "./paths.ts";
import { VERSION } from "./version.ts";

/** capability.h: their bits. */
const CAPABILITIES = { CAP_NET_ADMIN: 12n, CAP_NET_RAW: 13n } as const;

export async function run(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      config: { type: "string", short: "c" },
      "use-file": { type: "string", short: "f" },
      "config-id": { type: "string", short: "i" },
      lenient: { type: "boolean", default: false },
      "runtime-directory": { type: "string" },
      "state-directory": { type: "string" },
      "log-format": { type: "string", default: process.stdout.isTTY ? "pretty" : "json" },
      "log-level": { type: "string", default: "info" },
    },
  });
  const log = await createLog(
    oneOf<LogFormat>("--log-format", values["log-format"], ["json", "pretty"]),
    oneOf<LogLevel>("--log-level", values["log-level"], ["debug", "info", "warn", "error"]),
  );

  requireCapabilities();

  const signal = new Promise<string>((resolve) => {
    process.once("SIGTERM", resolve);
    process.once("SIGINT", resolve);
  });
  process.on("SIGHUP", () =>
    log.warn(
      "SIGHUP changes nothing: a changed configuration takes effect when karuntime is started again",
    ),
  );

  try {
    const daemon = await startDaemon({
      configuration: configurationFile(values.config ?? values["use-file"]),
      load: { lenient: values.lenient, configurationId: values["config-id"] },
      runtimeDirectory: runtimeDirectory(values["runtime-directory"]),
      stateDirectory: stateDirectory(values["state-directory"]),
      log,
      version: VERSION,
    });
    log.info({ signal: await signal }, "stopping");
    await daemon.stop();
    log.info("stopped");
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
}

/** @throws Error when this process lacks what VRRP needs of the kernel. */
function requireCapabilities(): void {
  const effective = /^CapEff:\t(\w+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  const missing = Object.entries(CAPABILITIES).filter(
    ([, bit]) => (BigInt(`0x${effective ?? 0}`) & (1n << bit)) === 0n,
  );
  if (missing.length === 0) return;
  const names = missing.map(([name]) => name).join(" and ");
  throw new Error(
    `start needs ${names}: raw sockets for VRRP, addresses on interfaces; run it as root`,
  );
}

function oneOf<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined)
    throw new Error(`${option}: found ${JSON.stringify(value)}, expected ${allowed.join(", ")}`);
  return found;
}
