/** The types of a connection fit those of every environment in which a plugin, or a library that it uses, is written. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const SOURCE = `import type { CheckContext, Connection, PendingConnection, Socket } from "@karuntime/sdk";

declare const connect: CheckContext["connect"];
declare function read(from: ReadableStream<Uint8Array>): void;
declare function write(to: WritableStream<Uint8Array | string>): void;

export async function use(): Promise<Connection> {
  const pending = connect({ hostname: "192.0.2.1", port: 25 }, { secureTransport: "starttls" });
  const socket: Socket = pending;
  const promise: Promise<Connection> = pending;
  const secure: PendingConnection = socket.startTls();
  read(socket.readable);
  write(socket.writable);
  for await (const text of socket.readable.pipeThrough(new TextDecoderStream())) text.trim();
  await new TextEncoderStream().readable.pipeTo(socket.writable);
  await socket.readable.pipeTo(new TransformStream<Uint8Array, string>().writable, { signal: AbortSignal.timeout(5) });
  const result = await socket.readable.getReader().read();
  if (!result.done) result.value.length;
  const writer = socket.writable.getWriter();
  await writer.write("text");
  await writer.write(new Uint8Array(1));
  // @ts-expect-error -- neither a text nor bytes.
  await writer.write(5);
  // @ts-expect-error -- it may not be open yet.
  await secure.readUntil("x");
  const connection = await promise;
  await connection.readUntil("x");
  const protocol: string | null = (await connection.opened).alpn;
  return protocol === null ? connection : connect("192.0.2.1:25");
}
`;
const ENVIRONMENTS = {
  "the sandbox": { types: ["@karuntime/sdk/globals"] },
  Node: { types: ["node"] },
  "a browser": { lib: ["es2024", "dom", "dom.iterable"] },
  "the sandbox and Node": { types: ["node", "@karuntime/sdk/globals"] },
  "the sandbox and a browser": { types: ["@karuntime/sdk/globals"], lib: ["es2024", "dom"] },
};

describe("the types of a connection", () => {
  // Beneath the workspace, whose packages they are.
  const project = mkdtempSync(join(root, ".types-"));
  after(() => rmSync(project, { recursive: true, force: true }));

  for (const [name, options] of Object.entries(ENVIRONMENTS))
    test(`fit those of ${name}`, () => {
      writeFileSync(join(project, "plugin.ts"), SOURCE);
      const compilerOptions = { composite: false, noEmit: true, ...options };
      const configuration = { extends: "../tsconfig.base.json", compilerOptions };
      writeFileSync(join(project, "tsconfig.json"), JSON.stringify(configuration));
      const { status, stdout } = spawnSync("tsc", ["-p", project], { encoding: "utf8" });
      assert.equal(status, 0, stdout);
    });
});
