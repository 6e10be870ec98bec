/** TypeScript's own language server, asked as an editor asks it: JSON-RPC over its standard streams. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const ANSWER_MS_MAX = 30_000;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly items?: readonly unknown[] };
  readonly result?: unknown;
  readonly error?: unknown;
}

export interface LanguageServer {
  /** What is offered where the text has "|". */
  completions(file: string, text: string): Promise<readonly string[]>;
  /** What is shown over the place where the text has "|". */
  hover(file: string, text: string): Promise<string>;
  stop(): void;
}

export async function startLanguageServer(folder: string): Promise<LanguageServer> {
  const child = spawn("tsc", ["--lsp", "--stdio"], {
    cwd: folder,
    stdio: ["pipe", "pipe", "ignore"],
  });
  const waiting = new Map<number, (message: Message) => void>();
  let received: Buffer = Buffer.alloc(0);
  let sent = 0;

  function send(message: object): void {
    const text = JSON.stringify({ jsonrpc: "2.0", ...message });
    child.stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  }

  function ask(method: string, params: object): Promise<unknown> {
    const id = ++sent;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const timer = setTimeout(() => reject(new Error(`no answer to ${method} came`)), ANSWER_MS_MAX);
    waiting.set(id, ({ result, error }) => {
      clearTimeout(timer);
      if (error === undefined) resolve(result);
      else reject(new Error(`${method}: ${JSON.stringify(error)}`));
    });
    send({ id, method, params });
    return promise;
  }

  function receive({ id, method, ...message }: Message): void {
    if (id === undefined) return;
    if (method === undefined) {
      waiting.get(id)?.(message);
      waiting.delete(id);
    } else {
      // It wants to know settings, and to be told of changed files: there are none.
      send({ id, result: message.params?.items?.map(() => null) ?? null });
    }
  }

  child.stdout.on("data", (data: Buffer) => {
    received = Buffer.concat([received, data]);
    for (;;) {
      const body = received.indexOf("\r\n\r\n") + 4;
      if (body < 4) return;
      const length = Number(
        /Content-Length: (\d+)/i.exec(received.toString("latin1", 0, body))?.[1],
      );
      if (received.length < body + length) return;
      receive(JSON.parse(received.toString("utf8", body, body + length)) as Message);
      received = received.subarray(body + length);
    }
  });

  async function askAt(method: string, file: string, marked: string): Promise<unknown> {
    const [before = "", after = ""] = marked.split("|");
    const lines = before.split("\n");
    const uri = pathToFileURL(join(folder, file)).href;
    const document = { uri, languageId: "typescript", version: 1, text: `${before}${after}` };
    send({ method: "textDocument/didOpen", params: { textDocument: document } });
    const answer = await ask(`textDocument/${method}`, {
      textDocument: { uri },
      position: { line: lines.length - 1, character: lines.at(-1)?.length ?? 0 },
    });
    send({ method: "textDocument/didClose", params: { textDocument: { uri } } });
    return answer;
  }

  const plain = ["plaintext"];
  await ask("initialize", {
    processId: process.pid,
    rootUri: pathToFileURL(folder).href,
    capabilities: { textDocument: { hover: { contentFormat: plain } } },
  });
  send({ method: "initialized", params: {} });

  return {
    async completions(file, text) {
      const answer = (await askAt("completion", file, text)) as {
        readonly items: readonly { readonly label: string }[];
      } | null;
      return answer?.items.map(({ label }) => label) ?? [];
    },
    async hover(file, text) {
      const answer = (await askAt("hover", file, text)) as {
        readonly contents: { readonly value: string };
      } | null;
      return answer?.contents.value ?? "";
    },
    stop: () => void child.kill("SIGKILL"),
  };
}
