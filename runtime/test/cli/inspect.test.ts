/** `karuntime invoke --inspect`: a debugger stops in the plugin's own TypeScript, and nobody else gets in. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { WebSocket } from "ws";

const PROGRAM = fileURLToPath(new URL("../../bin/karuntime", import.meta.url));
const WAIT_MS_MAX = 20_000;

const SOURCE = `import { defineCheck } from "@karuntime/sdk";
export default defineCheck({
  permissions: { metrics: true },
  options: { n: { type: "number", default: 42 } },
  async check({ options, metrics, down }) {
    const doubled: number = options.n * 2;
    await metrics.gauge("doubled", doubled);
    debugger;
    return down(\`doubled: \${doubled}\`);
  },
});
`;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly result?: unknown;
  readonly params?: {
    readonly reason?: string;
    readonly sourceMapURL?: string;
    readonly callFrames?: readonly { readonly callFrameId: string }[];
  };
}

async function until<T>(what: string, find: () => T | undefined): Promise<T> {
  const deadline = performance.now() + WAIT_MS_MAX;
  for (;;) {
    const found = find();
    if (found !== undefined) return found;
    assert.ok(performance.now() < deadline, `${what} did not come`);
    await sleep(5);
  }
}

describe("karuntime invoke --inspect", () => {
  const folder = mkdtempSync(join(tmpdir(), "karuntime-inspect-"));
  writeFileSync(join(folder, "check.ts"), SOURCE);
  let child: ChildProcess;
  afterEach(async () => {
    if (child.exitCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "exit");
    assert.equal(child.exitCode, 130);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function start() {
    child = spawn(PROGRAM, ["invoke", "check.ts", "--inspect", "--inspect-port", "0"], {
      cwd: folder,
    });
    let stdout = "";
    let stderr = "";
    child.stdout?.on("data", (text: Buffer) => (stdout += text.toString()));
    child.stderr?.on("data", (text: Buffer) => (stderr += text.toString()));
    const ended = new Promise<{ status: number | null; stdout: string }>((resolve) =>
      child.on("close", (status) => resolve({ status, stdout })),
    );
    const [, place = "", port = ""] = await until(
      "the address",
      () => /ws=(127\.0\.0\.1:(\d+)\/\S+)/.exec(stderr) ?? undefined,
    );
    return { url: `ws://${place}`, port: Number(port), ended };
  }

  /** A debugger that asked for the program to run. */
  async function attach(url: string) {
    const socket = new WebSocket(url);
    const messages: Message[] = [];
    socket.on("message", (data: Buffer) => messages.push(JSON.parse(data.toString())));
    await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
    let nextId = 1;
    const ask = (method: string, params: object = {}): Promise<Message> => {
      const id = nextId++;
      socket.send(JSON.stringify({ id, method, params }));
      return until(method, () => messages.find((message) => message.id === id));
    };
    await ask("Runtime.enable");
    await ask("Debugger.enable");
    await ask("Runtime.runIfWaitingForDebugger");
    const paused = (times: number): Promise<Message> =>
      until(
        `stop ${times}`,
        () => messages.filter(({ method }) => method === "Debugger.paused")[times - 1],
      );
    return { socket, messages, ask, paused };
  }

  test("stops before the plugin and where it says, with its source, and outside its limits of time", async () => {
    const { url, ended } = await start();
    const { messages, ask, paused } = await attach(url);
    // Chrome goes on by itself after other reasons, before anybody sees the plugin.
    assert.equal((await paused(1)).params?.reason, "Break on start");
    const maps = messages
      .filter(({ method }) => method === "Debugger.scriptParsed")
      .flatMap(({ params }) => /^data:.*;base64,(.*)$/.exec(params?.sourceMapURL ?? "")?.[1] ?? [])
      .map((text) => JSON.parse(Buffer.from(text, "base64").toString()));
    assert.equal(maps.length, 1);
    const index = maps[0].sources.findIndex((source: string) => source.endsWith("/check.ts"));
    assert.equal(maps[0].sourcesContent[index], SOURCE);

    await ask("Debugger.resume");
    const { params } = await paused(2);
    const callFrameId = params?.callFrames?.[0]?.callFrameId;
    const evaluated = await ask("Debugger.evaluateOnCallFrame", {
      callFrameId,
      expression: "doubled",
    });
    assert.deepEqual(evaluated.result, {
      result: { type: "number", value: 84, description: "84" },
    });
    // Longer than any invocation may compute.
    await sleep(1300);
    await ask("Debugger.resume");
    const { status, stdout } = await ended;
    assert.equal(status, 1, stdout);
    assert.match(stdout, /^check check\.ts: down: doubled: 84\n/);
  });

  test("node inspect stops at a line of the TypeScript file, shows what is there, and goes on", async () => {
    const { port, ended } = await start();
    const inspect = spawn(process.execPath, ["inspect", `127.0.0.1:${port}`], { cwd: folder });
    let shown = "";
    inspect.stdout.on("data", (text: Buffer) => (shown += text.toString()));
    const gone = once(inspect, "exit");
    /** Types a command, and returns what matches in the answer. */
    const type = async (command: string, answer: RegExp): Promise<string> => {
      const from = shown.length;
      inspect.stdin.write(`${command}\n`);
      const [found] = await until(
        `the answer to ${command}: ${answer}`,
        () => answer.exec(shown.slice(from)) ?? undefined,
      );
      return found;
    };
    try {
      await until(
        "its stop",
        () => /Break on start in bundle:[^]*debug> $/.exec(shown) ?? undefined,
      );
      // The line of metrics.gauge, which in the bundle is another one.
      await type("setBreakpoint('check.ts', 7)", /debug> $/);
      await type(
        "cont",
        /break in bundle:\S+:\d+\n[^>]*>\d+ +await metrics\.gauge\("doubled", doubled\);[^]*debug> $/,
      );
      await type("exec('doubled + 1')", /^85\n/);
      await type("exec('options')", /^\{ n: 42 \}\n/);
      await type("bt", /^#0 check bundle:/);
      await type("cont", /break in bundle:\S+\n[^>]*>\d+ +debugger;[^]*debug> $/);
      inspect.stdin.write("cont\n");
      const { status, stdout } = await ended;
      assert.equal(status, 1);
      assert.match(stdout, /^check check\.ts: down: doubled: 84\n/);
    } finally {
      inspect.kill("SIGKILL");
      await gone;
    }
  });

  test("a debugger that leaves does not hold the plugin up", async () => {
    const { url, ended } = await start();
    const { socket, paused } = await attach(url);
    await paused(1);
    socket.close();
    assert.match((await ended).stdout, /down: doubled: 84/);
  });

  test("is found as Node's is, by nobody who calls it by another name or does not know its path", async () => {
    const { url, port } = await start();
    const get = (host: string): Promise<string> =>
      new Promise((resolve, reject) => {
        request({ port, host: "127.0.0.1", path: "/json/list", headers: { host } }, (response) => {
          let body = "";
          response.on("data", (text: Buffer) => (body += text.toString()));
          response.on("end", () => resolve(body));
        })
          .on("error", reject)
          .end();
      });
    assert.equal(JSON.parse(await get(`localhost:${port}`))[0].webSocketDebuggerUrl, url);
    assert.equal(await get("attacker.example.com"), '{"error":"not found"}');
    const opened = (address: string, host: string): Promise<boolean> =>
      new Promise((resolve) => {
        const socket = new WebSocket(address, { headers: { host } });
        socket.on("open", () => (socket.close(), resolve(true)));
        socket.on("error", () => resolve(false));
      });
    assert.equal(await opened(`ws://127.0.0.1:${port}/`, "127.0.0.1"), false);
    assert.equal(await opened(url, "attacker.example.com"), false);
    assert.equal(await opened(url, "127.0.0.1"), true);
  });
});
