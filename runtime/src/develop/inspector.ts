/**
 * Where a debugger finds the plugin that is invoked: the HTTP and WebSocket interface of Node's own --inspect, on this host
 * alone. The isolate is in another process; messages only pass through here.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, resolve } from "node:path";
import type { Duplex } from "node:stream";
import { pathToFileURL } from "node:url";
import type { WebSocket } from "ws";
import { WebSocketServer } from "ws";
import type { PluginBundle } from "../sandbox/protocol.ts";
import { translateBreakpoints } from "./breakpoints.ts";

const ADDRESS = "127.0.0.1";
const GOODBYE_MS_MAX = 200;
/** A page on the web may have its own name lead here, but not call itself this host. */
const OWN_NAMES = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?$/;

export interface Inspector {
  /** Takes what the debugger says; null: it is gone. */
  onMessage: (message: string | null) => void;
  send(message: string): void;
  /** For a browser's address bar. */
  readonly url: string;
  /** For a debugger that is told host and port. */
  readonly place: string;
  close(): void;
}

/** @param port 0: any. @throws Error when it is taken. */
export async function serveInspector(port: number, bundle: PluginBundle): Promise<Inspector> {
  const { file } = bundle;
  const translate = translateBreakpoints(bundle);
  const id = randomUUID();
  const sockets = new WebSocketServer({ noServer: true });
  let debuggerSocket: WebSocket | undefined;
  const server = createServer((request, response) => {
    const body = isOwn(request) ? describe(request.url?.split("?")[0] ?? "") : undefined;
    response.writeHead(body === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(body ?? { error: "not found" }));
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // The path is the secret that a page on the web does not know; and there is one debugger at a time.
    if (!isOwn(request) || request.url !== `/${id}` || debuggerSocket !== undefined)
      return void socket.destroy();
    sockets.handleUpgrade(request, socket, head, accept);
  });
  await new Promise<void>((listening, reject) => {
    server.once("error", reject);
    server.listen(port, ADDRESS, listening);
  });
  const place = `${ADDRESS}:${(server.address() as AddressInfo).port}`;
  const url = `devtools://devtools/bundled/js_app.html?experiments=true&v8only=true&ws=${place}/${id}`;

  function accept(socket: WebSocket): void {
    debuggerSocket = socket;
    socket.on("message", (data: Buffer) => inspector.onMessage(translate(data.toString("utf8"))));
    socket.on("error", () => socket.terminate());
    socket.on("close", () => {
      debuggerSocket = undefined;
      inspector.onMessage(null);
    });
  }

  function describe(path: string): unknown {
    switch (path) {
      case "/json":
      case "/json/list":
        return [
          {
            id,
            type: "node",
            title: file,
            description: "karuntime plugin",
            url: pathToFileURL(file).href,
            devtoolsFrontendUrl: url,
            webSocketDebuggerUrl: `ws://${place}/${id}`,
          },
        ];
      case "/json/version":
        return { Browser: `node.js/${process.version}`, "Protocol-Version": "1.1" };
      default:
        return undefined;
    }
  }

  const inspector: Inspector = {
    onMessage: () => {},
    send: (message) => debuggerSocket?.send(message),
    url,
    place,
    close() {
      const socket = debuggerSocket;
      socket?.close();
      // `node inspect` does not say goodbye, and ws would wait half a minute for that.
      setTimeout(() => socket?.terminate(), GOODBYE_MS_MAX).unref();
      server.close();
      server.closeAllConnections();
    },
  };
  return inspector;
}

function isOwn({ headers }: IncomingMessage): boolean {
  return OWN_NAMES.test(headers.host ?? "");
}

/** The bundle with its map inside, and in that the author's files, since a debugger has nothing else of them. */
export function withSources(bundle: PluginBundle): PluginBundle {
  const map = JSON.parse(bundle.sourceMap) as { readonly sources: readonly string[] };
  const files = map.sources.map((source) => resolve(dirname(bundle.file), source));
  const full = {
    ...map,
    sources: files.map((file) => pathToFileURL(file).href),
    sourcesContent: files.map((file) => readFileSync(file, "utf8")),
  };
  const encoded = Buffer.from(JSON.stringify(full)).toString("base64");
  return {
    ...bundle,
    code: `${bundle.code}\n//# sourceMappingURL=data:application/json;base64,${encoded}\n`,
  };
}
