/** As much of a mail server as shows what arrives there: the envelope and the message (RFC 5321). */
import type { AddressInfo, Socket } from "node:net";
import { createServer } from "node:net";

export interface Mail {
  /** The envelope's, as RCPT commands. */
  readonly receivers: readonly string[];
  /** With its head. */
  readonly text: string;
}

export interface MailServer {
  readonly port: number;
  readonly mails: readonly Mail[];
  close(): void;
}

export async function startMailServer(): Promise<MailServer> {
  const mails: Mail[] = [];
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => open.delete(socket));
    socket.write("220 test\r\n");
    let receivers: string[] = [];
    let message: string | undefined;
    let rest = "";
    socket.on("data", (data) => {
      const lines = (rest + data.toString("utf8")).split("\r\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (message !== undefined && line !== ".") message += `${line}\n`;
        else if (message !== undefined) {
          mails.push({ receivers, text: message });
          receivers = [];
          message = undefined;
          socket.write("250 taken\r\n");
        } else if (line === "DATA") {
          message = "";
          socket.write("354 go on\r\n");
        } else {
          if (line.startsWith("RCPT")) receivers.push(line);
          socket.write(line === "QUIT" ? "221 bye\r\n" : "250 good\r\n");
        }
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    mails,
    close() {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}
