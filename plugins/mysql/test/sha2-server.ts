/**
 * Stands for MySQL 8, which not every machine has: as much of a server as the checker meets, after the documentation of
 * MySQL's protocol. It lets one user in by caching_sha2_password, and answers one query.
 */
import { createHash, randomInt } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { createServer } from "node:net";
import { TLSSocket } from "node:tls";

const METHOD = "caching_sha2_password";
/** PROTOCOL_41, SECURE_CONNECTION and SSL; then PLUGIN_AUTH. */
const [LOWER, SSL, UPPER] = [0x8200, 0x0800, 0x0008];
const OK = Buffer.from([0, 0, 0, 2, 0, 0, 0]);
const END = Buffer.from([0xfe, 0, 0, 2, 0]);
const [MORE, KNOWN, FULL_AUTHENTICATION, QUERY] = [1, 3, 4, 3];

export interface Sha2Server {
  readonly port: number;
  /** How often it was sent the password itself: over TLS, and without. */
  readonly passwords: { overTls: number; withoutTls: number };
  stop(): void;
}

/** @param remembers whether it keeps what it was once sent over TLS, as MySQL does; else every login is the first one. */
export async function startSha2Server(
  { user, password }: { readonly user: string; readonly password: string },
  { key, cert }: { readonly key: string; readonly cert: string },
  remembers: boolean,
): Promise<Sha2Server> {
  const passwords = { overTls: 0, withoutTls: 0 };
  const sockets = new Set<Socket>();
  let known = false;

  async function serve(plain: Socket): Promise<void> {
    // Letters, since a nonce has no NUL.
    const nonce = Buffer.from(Array.from({ length: 20 }, () => randomInt(65, 91)));
    let stream: Socket = plain;
    let packets = packetsOf(plain);
    const say = (sequence: number, payload: Buffer): void => {
      const head = Buffer.alloc(4, sequence);
      head.writeUIntLE(payload.length, 0, 3);
      stream.write(Buffer.concat([head, payload]));
    };
    const next = async (): Promise<{ sequence: number; payload: Buffer }> => {
      const { value, done } = await packets.next();
      if (done === true) throw new Error("the client has gone");
      return value;
    };

    say(0, handshake(nonce));
    let login = await next();
    if ((login.payload.readUInt32LE(0) & SSL) !== 0 && login.payload.length === 32) {
      await packets.return(undefined);
      stream = new TLSSocket(plain, { isServer: true, key, cert });
      stream.on("error", () => plain.destroy());
      packets = packetsOf(stream);
      login = await next();
    }
    const nameEnd = login.payload.indexOf(0, 32);
    const name = login.payload.toString("utf8", 32, nameEnd);
    const proof = login.payload.subarray(
      nameEnd + 2,
      nameEnd + 2 + (login.payload[nameEnd + 1] ?? 0),
    );
    let { sequence } = login;
    let welcome = known && name === user && proof.equals(proofOf(password, nonce));
    if (welcome) {
      say(++sequence, Buffer.from([MORE, KNOWN]));
    } else {
      say(++sequence, Buffer.from([MORE, FULL_AUTHENTICATION]));
      const answer = await next();
      ({ sequence } = answer);
      passwords[stream === plain ? "withoutTls" : "overTls"]++;
      welcome = name === user && answer.payload.toString("utf8") === `${password}\0`;
      known ||= welcome && remembers;
    }
    if (!welcome) {
      say(++sequence, Buffer.from("\u00ff\u0015\u0004#28000Access denied", "latin1"));
      return void stream.end();
    }
    say(++sequence, OK);
    for (;;) {
      const [command] = (await next()).payload;
      if (command !== QUERY) return void stream.end();
      const column = Buffer.from("\u0003def\0\0\0\u0009read_only\0\u000c", "latin1");
      const row = Buffer.from("\u00010", "latin1");
      for (const [index, payload] of [Buffer.from([1]), column, END, row, END].entries())
        say(index + 1, payload);
    }
  }

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    serve(socket).catch(() => socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    passwords,
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function handshake(nonce: Buffer): Buffer {
  const capabilities = Buffer.alloc(19);
  capabilities.writeUInt16LE(LOWER | SSL, 1);
  capabilities.writeUInt16LE(UPPER, 6);
  capabilities[8] = nonce.length + 1;
  return Buffer.concat([
    Buffer.from("\u000a8.4.3\0\u0001\0\0\0", "latin1"),
    nonce.subarray(0, 8),
    capabilities,
    nonce.subarray(8),
    Buffer.from(`\0${METHOD}\0`),
  ]);
}

/** SHA256(password) XOR SHA256(SHA256(SHA256(password)), nonce) */
function proofOf(password: string, nonce: Buffer): Buffer {
  const hash = (...parts: readonly (string | Buffer)[]): Buffer =>
    parts.reduce((state, part) => state.update(part), createHash("sha256")).digest();
  const once = hash(password);
  const mask = hash(hash(once), nonce);
  return Buffer.from(once.map((octet, index) => octet ^ (mask[index] ?? 0)));
}

/** Packets by packets, and nothing read ahead: what follows may belong to TLS. */
async function* packetsOf(
  socket: Socket,
): AsyncGenerator<{ sequence: number; payload: Buffer }, undefined> {
  const exactly = async (length: number): Promise<Buffer | undefined> => {
    for (;;) {
      const chunk = socket.read(length) as Buffer | null;
      if (chunk?.length === length) return chunk;
      if (chunk !== null || socket.readableEnded || socket.destroyed) return undefined;
      await new Promise<void>((resolve) => {
        for (const event of ["readable", "end", "close"]) socket.once(event, () => resolve());
      });
    }
  };
  for (;;) {
    const head = await exactly(4);
    if (head === undefined) return undefined;
    const payload = await exactly(head.readUIntLE(0, 3));
    if (payload === undefined) return undefined;
    yield { sequence: head[3] ?? 0, payload };
  }
}
