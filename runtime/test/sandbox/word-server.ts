/** A server that does what the first word on a connection says, and remembers what it saw. */
import { createHash } from "node:crypto";
import type { Server, Socket } from "node:net";
import { createServer } from "node:net";
import { TLSSocket, createSecureContext } from "node:tls";
import type { Issued } from "./certificates.ts";

export const SENT_BYTES = 10 * 1024 * 1024;
/** What those consist of. */
export const SENT_PIECE = Buffer.from(
  Array.from({ length: 64 * 1024 }, (_, index) => (index * 7) % 256),
);

export interface WordServer {
  readonly server: Server;
  readonly serve: (socket: Socket) => void;
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

/** @param issued what it shows after STARTTLS. */
export function createWordServer(issued: Issued): WordServer {
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
  return {
    server,
    serve,
    seen,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
