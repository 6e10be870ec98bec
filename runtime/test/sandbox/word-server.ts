/** A server that does what the first word on a connection says, and remembers what it saw. */
import { createHash } from "node:crypto";
import type { AddressInfo, Server, Socket } from "node:net";
import { createServer } from "node:net";
import { TLSSocket, createSecureContext, createServer as createTlsServer } from "node:tls";
import { createAuthority } from "./certificates.ts";

export const SENT_BYTES = 10 * 1024 * 1024;
/** What those consist of. */
export const SENT_PIECE = Buffer.from(
  Array.from({ length: 64 * 1024 }, (_, index) => (index * 7) % 256),
);

export interface WordServer {
  /** "host:port". */
  readonly place: string;
  /** With the name tls.example.test; it speaks "lines/1". */
  readonly tlsPlace: string;
  /** Who signed its certificates; the one after STARTTLS is for starttls.example.test. */
  readonly ca: string;
  readonly seen: {
    /** The word of the last connection whose other side has ended. */
    halfClosed: string;
    /** What came after the first word. */
    afterHalf: string;
    /** The code of the last error. */
    reset: string;
    /** Bytes of the last SEND. */
    written: number;
    /** Bytes of the last COUNT, and their SHA-256 once they have ended. */
    received: number;
    digest: string;
  };
  close(): void;
}

export async function startWordServer(): Promise<WordServer> {
  const authority = createAuthority("a test's own");
  const issued = authority.issue("DNS:starttls.example.test");
  const sockets = new Set<Socket>();
  const seen = { halfClosed: "", afterHalf: "", reset: "", written: 0, received: 0, digest: "" };

  /** Does what the first word says. */
  function serve(socket: Socket): void {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", (error: NodeJS.ErrnoException) => (seen.reset = error.code ?? ""));
    socket.once("data", (first) => {
      const [word = ""] = first.toString("utf8").split(/\s/);
      if (word === "LINES") return answerLines(socket, first);
      if (word === "COUNT") return count(socket, first);
      if (word === "HALF") socket.end("the last that I say");
      if (word === "BYE") socket.end("bye");
      if (word === "SEND") send(socket);
      if (word === "UNTIL_END") return answerAtEnd(socket, first);
      if (word === "STARTTLS") return secure(socket);
      socket.on("data", (data) => (seen.afterHalf += data.toString()));
      socket.on("end", () => (seen.halfClosed = word));
    });
  }
  function answerLines(socket: Socket, first: Buffer): void {
    const answer = (data: Buffer): void => {
      for (const line of data.toString().split("\r\n").slice(0, -1))
        // In pieces that end within lines, and within a character.
        for (const octet of Buffer.from(`you said ${line} é\r\n`)) socket.write(Buffer.of(octet));
    };
    answer(first);
    socket.on("data", answer);
  }
  function count(socket: Socket, first: Buffer): void {
    const hash = createHash("sha256");
    seen.received = 0;
    const take = (data: Buffer): void => {
      seen.received += data.length;
      hash.update(data);
    };
    take(first.subarray("COUNT ".length));
    socket.on("data", take);
    socket.on("end", () => {
      seen.digest = hash.digest("hex");
      socket.end("counted");
    });
  }
  function answerAtEnd(socket: Socket, first: Buffer): void {
    let said = first.toString();
    socket.on("data", (data) => (said += data.toString()));
    socket.on("end", () => socket.end(`after your end: ${said}`));
  }
  function send(socket: Socket): void {
    seen.written = 0;
    const more = (): void => {
      while (seen.written < SENT_BYTES) {
        seen.written += SENT_PIECE.length;
        if (!socket.write(SENT_PIECE)) return void socket.once("drain", more);
      }
      socket.end();
    };
    more();
  }
  function secure(socket: Socket): void {
    socket.write("GO");
    const secured = new TLSSocket(socket, {
      isServer: true,
      secureContext: createSecureContext(issued),
    });
    secured.on("error", () => undefined);
    secured.on("data", (data: Buffer) => secured.write(`within TLS: ${data.toString()}`));
  }

  const server = createServer({ allowHalfOpen: true }, serve);
  const tlsServer = createTlsServer(
    { ...authority.issue("DNS:tls.example.test"), ALPNProtocols: ["lines/1"] },
    serve,
  );
  return {
    place: await listen(server),
    tlsPlace: await listen(tlsServer),
    ca: authority.ca,
    seen,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      tlsServer.close();
    },
  };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
