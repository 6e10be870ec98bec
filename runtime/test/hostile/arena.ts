/**
 * Where attacks are run: the daemon's own plugins, with a real sandbox host, a neighbour beside the attack, and places
 * that nobody may reach. Each attack gets a host of its own, so that the one before cannot help it.
 */
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { ConfigurationError } from "../../dist/config/diagnostic.js";
import type { LoadedConfiguration } from "../../dist/config/load.js";
import { loadConfiguration } from "../../dist/config/load.js";
import { startPlugins } from "../../dist/daemon/plugins.js";
import type { CheckReport } from "../../dist/sandbox/protocol.js";
import type { Attack, Places } from "./attack.ts";
import { TIMEOUT_MS, pluginOf } from "./attack.ts";
import { startMailServer } from "./mail-server.ts";
import type { Mail, MailServer } from "./mail-server.ts";

/** Between the invocations of an attack, and of its neighbour. */
const ATTACK_INTERVAL_MS = 300;
const NEIGHBOUR_INTERVAL_MS = 50;
const WAIT_MS_MAX = 12_000;
/** A short one, and one that is cut wherever it is said. */
const SECRETS = {
  token: "Hunter2-opensesame",
  key: `-----BEGIN KEY-----\n${"TXkgc2VjcmV0\n".repeat(120)}-----END KEY-----\n`,
  other: "never-granted-to-it",
};
/** From a judgement to the replacement of a host that cannot be saved, and to the next look at one that can. */
const RECYCLE_MS = 600;
const SETTLE_MS = 150;
const NEIGHBOUR = `import { defineCheck } from "@karuntime/sdk";
export default defineCheck({ async check() { await null; } });
`;

/** What is left of them in a text, in any spelling. */
export const SECRET =
  /Hunter2|BEGIN KEY|TXkgc2Vj|SHVudGVy|h1bnRlcj|dW50ZXIy|VFhrZ2My|BEGIN%20KEY|never-granted/;

export interface Encounter {
  readonly seen: "up" | "down" | "refused" | "nothing";
  readonly reason: string;
  /** From the neighbour's first judgement, which comes right before, to that of the attack. */
  readonly reportedAfterMs: number;
  readonly replaced: number;
  /** Why the host was replaced. */
  readonly replacements: readonly string[];
  /** How long there was no host when the first one was replaced. */
  readonly gapMs: number;
  readonly neighbourDown: readonly string[];
  readonly neighbourFailed: number;
  /** How many of its commands nobody ended. */
  readonly leftBehind: number;
  /** The log lines that the attack wrote. */
  readonly lines: readonly string[];
}

export interface Arena {
  /** What a plugin must never have reached. */
  readonly breaches: () => readonly string[];
  readonly mails: readonly Mail[];
  meet(attack: Attack): Promise<Encounter>;
  close(): void;
}

interface Judgement {
  readonly atMs: number;
  readonly check: string;
  readonly state: "up" | "down";
  readonly reason: string;
}

export async function openArena(): Promise<Arena> {
  const folder = mkdtempSync(join(tmpdir(), "karuntime-hostile-"));
  execFileSync("chmod", ["0755", folder]);
  furnish(folder);
  let secretHits = 0;
  const secret = await listen((request) => {
    secretHits++;
    return { status: 200, location: undefined, body: request };
  });
  const granted = await listen((path) => {
    const location = path.startsWith("/to/") ? decodeURIComponent(path.slice(4)) : undefined;
    return { status: location === undefined ? 200 : 302, location, body: path };
  });
  const mailServer = await startMailServer();
  const places: Places = { granted: portOf(granted), secret: portOf(secret), folder };

  return {
    breaches: () => [
      ...(secretHits > 0 ? [`the ungranted server was reached ${secretHits} times`] : []),
      ...(existsSync(join(folder, "pwned")) ? ["a command was run that was not granted"] : []),
    ],
    mails: mailServer.mails,
    async meet(attack) {
      writeFileSync(join(folder, "attack.ts"), pluginOf(attack, places));
      writeFileSync(
        join(folder, "karuntime.config.ts"),
        configurationOf(attack, mailServer, folder),
      );
      try {
        const loaded = await loadConfiguration(join(folder, "karuntime.config.ts"), {});
        return await encounter(loaded, attack, folder);
      } catch (error) {
        if (!(error instanceof ConfigurationError)) throw error;
        return refused(error.diagnostics.map(({ message }) => message).join("; "));
      }
    },
    close() {
      for (const server of [secret, granted]) {
        server.closeAllConnections();
        server.close();
      }
      mailServer.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function encounter(
  loaded: LoadedConfiguration,
  attack: Attack,
  folder: string,
): Promise<Encounter> {
  const judgements: Judgement[] = [];
  const records: Readonly<Record<string, unknown>>[] = [];
  const log = pino(
    { level: "debug", base: null },
    { write: (line) => void records.push(JSON.parse(line) as Record<string, unknown>) },
  );
  const last = (check: string): Judgement | undefined =>
    judgements.findLast((judgement) => judgement.check === check);
  const plugins = startPlugins(
    loaded,
    {
      set: (check, state, reason) =>
        void judgements.push({ atMs: performance.now(), check, state, reason }),
      state: (check) => last(check)?.state ?? "unknown",
    },
    join(folder, "state"),
    log,
  );
  const restartsOf = (): number => plugins.status()[0]?.restarts ?? 0;
  const reports = async () => {
    const all = await plugins.report();
    const of = (name: string) => all.find(({ check }) => check === name);
    return { attack: of("attack"), neighbour: of("neighbour") };
  };
  const deadline = performance.now() + WAIT_MS_MAX;
  const until = async (holds: () => Promise<boolean> | boolean): Promise<void> => {
    while (performance.now() < deadline && !(await holds())) await sleep(10);
  };
  await until(() => last("attack") !== undefined);
  const wantedRuns = attack.runs ?? 1;
  if (wantedRuns > 1) await until(async () => ((await reports()).attack?.runs ?? 0) >= wantedRuns);
  // A host that is about to be replaced is given the time for it.
  const endMs = performance.now() + (attack.mayRecycle === true ? RECYCLE_MS : SETTLE_MS);
  await until(() => restartsOf() > 0 || performance.now() > endMs);
  // Here the neighbour shows that it lives: it has run since, be it in another host.
  const restartsBefore = restartsOf();
  const runsBefore = restartsBefore > 0 ? 0 : ((await reports()).neighbour?.runs ?? 0);
  let neighbour: CheckReport | undefined;
  await until(async () => {
    ({ neighbour } = await reports());
    return (neighbour?.runs ?? 0) > runsBefore;
  });
  if (attack.leaves !== undefined) {
    const { leaves } = attack;
    await until(() => commandsWith(leaves) === 0);
  }
  const restarts = restartsOf();
  const leftBehind = attack.leaves === undefined ? 0 : commandsWith(attack.leaves);
  await plugins.stop();
  const first = judgements.find(({ check }) => check === "attack");
  const start = judgements.find(({ check }) => check === "neighbour");
  const judged = wantedRuns > 1 ? last("attack") : first;
  return {
    seen: judged?.state ?? "nothing",
    reason: judged?.reason ?? "",
    reportedAfterMs: (first?.atMs ?? Number.NaN) - (start?.atMs ?? Number.NaN),
    replaced: restarts,
    replacements: records
      .filter(({ delayMs }) => delayMs !== undefined)
      .map(({ reason }) => String(reason)),
    gapMs: Number(records.find(({ gapMs }) => gapMs !== undefined)?.["gapMs"] ?? 0),
    neighbourDown: judgements
      .filter(({ check, state }) => check === "neighbour" && state === "down")
      .map(({ reason }) => reason),
    neighbourFailed: neighbour === undefined ? Number.NaN : neighbour.runs - neighbour.outcomes.up,
    leftBehind,
    lines: records.filter(({ plugin }) => plugin === "attack").map(({ msg }) => String(msg)),
  };
}

/** How many processes run with this word. */
function commandsWith(word: string): number {
  return globSync("/proc/[0-9]*/cmdline").filter((file) => {
    try {
      return readFileSync(file, "latin1").split("\0").includes(word);
    } catch {
      return false;
    }
  }).length;
}

function refused(reason: string): Encounter {
  return {
    seen: "refused",
    reason,
    reportedAfterMs: Number.NaN,
    replaced: 0,
    replacements: [],
    gapMs: 0,
    neighbourDown: [],
    neighbourFailed: 0,
    leftBehind: 0,
    lines: [],
  };
}

function configurationOf(attack: Attack, mail: MailServer, folder: string): string {
  writeFileSync(join(folder, "neighbour.ts"), NEIGHBOUR);
  const timeoutMs = attack.timeoutMs ?? TIMEOUT_MS;
  const intervalMs = attack.leaves === undefined ? Math.max(ATTACK_INTERVAL_MS, timeoutMs) : 60_000;
  return `import { defineConfig } from "karuntime/config";
export default defineConfig({
  checks: {
    neighbour: { plugin: "./neighbour.ts", interval: "${NEIGHBOUR_INTERVAL_MS}ms", timeout: "1s" },
    attack: { plugin: "./attack.ts", interval: "${intervalMs}ms", timeout: "${timeoutMs}ms" },
  },
  secrets: ${JSON.stringify(SECRETS)},
  mail: { server: "127.0.0.1", port: ${mail.port}, from: "a@example.com", to: ["ops@example.com"] },
  services: { web: { status: ["/bin/true"], start: ["/bin/true"] } },
  virtualRouters: { VI_1: { interface: "lo", id: 51, addresses: ["192.0.2.1/32"] } },
});
`;
}

/** Files that attacks are after, beside one that they may read. */
function furnish(folder: string): void {
  mkdirSync(join(folder, "open"));
  mkdirSync(join(folder, "open/sub"));
  writeFileSync(join(folder, "open/file"), "open");
  writeFileSync(join(folder, "hidden"), "hidden");
  symlinkSync("../hidden", join(folder, "open/link"));
  symlinkSync("..", join(folder, "open/up"));
  symlinkSync("/proc/self/mem", join(folder, "open/mem"));
  symlinkSync("/dev/zero", join(folder, "open/zero"));
  symlinkSync("loop", join(folder, "open/loop"));
  execFileSync("mkfifo", [join(folder, "open/fifo")]);
  execFileSync("truncate", ["-s", "1T", join(folder, "open/huge")]);
}

function listen(
  answer: (path: string) => {
    readonly status: number;
    readonly location: string | undefined;
    readonly body: string;
  },
): Promise<Server> {
  const server = createServer((request, response) => {
    const { status, location, body } = answer(request.url ?? "");
    response.writeHead(status, location === undefined ? {} : { location });
    response.end(body);
  });
  return new Promise((resolve) => server.listen(0, () => resolve(server)));
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
