/**
 * The programs that the test of pings runs on its hosts; both end with their input.
 *
 *   node icmp-client.ts ping    each line of standard input is `ADDRESS TIMEOUT_MS SIZE`, answered by a line of JSON when it
 *                               is done: { asked, address, ttl, timeMs }, or { asked, error }
 *   node icmp-client.ts forge   answers what this host is asked by whatever must not count as an answer, and then, when
 *                               the data has TRUE_OCTETS, by the right one; says `listening`
 */
import { createInterface } from "node:readline";
import { createPinger } from "../../src/linux/icmp.ts";
import { openRawSocket } from "../../src/linux/open-raw-socket.ts";
import { createMessageReceiver } from "../../src/linux/received-message.ts";
import { internetChecksum } from "../../src/packet/checksum.ts";
import { parseIpv4Packet } from "../../src/packet/ipv4.ts";

const TRUE_OCTETS = 100;
const ICMP = 1;
const [REQUEST, REPLY, UNREACHABLE] = [8, 0, 3];
const HEADER_OCTETS = 8;

if (process.argv[2] === "forge") forge();
else ping();

function ping(): void {
  const pinger = createPinger();
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    const [address = "", timeoutMs, size] = line.split(" ");
    const { signal } = new AbortController();
    pinger
      .ping({ address, timeoutMs: Number(timeoutMs), size: Number(size), signal })
      .catch((error: unknown) => ({ error: (error as Error).message }))
      .then((said) => console.log(JSON.stringify({ asked: address, ...said })));
  });
  lines.on("close", () => pinger.close());
}

function forge(): void {
  const { socket, descriptor } = openRawSocket("ipv4", ICMP, 2048);
  const receiver = createMessageReceiver("ipv4", 16, 2048);
  const send = (message: Buffer, to: string): void => {
    message.writeUInt16BE(0, 2);
    message.writeUInt16BE(internetChecksum(message), 2);
    socket.wrap.send(message, 0, message.length, to, () => undefined);
  };
  socket.wrap.removeAllListeners("recvReady");
  socket.wrap.on("recvReady", () => {
    receiver.receive(descriptor, ({ bytes }) => {
      const packet = parseIpv4Packet(bytes);
      if (!packet.ok || packet.value.payload[0] !== REQUEST) return;
      const { payload, header, source } = packet.value;
      const request = Buffer.from(payload);
      const whole = Buffer.concat([header ?? Buffer.alloc(0), request]);
      const reply = Buffer.concat([Buffer.from([REPLY]), request.subarray(1)]);
      const changed = (from: Buffer, at: number): Buffer => {
        const copy = Buffer.from(from);
        copy[at] = (copy[at] ?? 0) ^ 1;
        return copy;
      };
      const error = (about: Buffer): Buffer =>
        Buffer.concat([Buffer.from([UNREACHABLE, 1, 0, 0, 0, 0, 0, 0]), about]);
      for (const message of [
        changed(reply, 4),
        changed(reply, 7),
        changed(reply, HEADER_OCTETS),
        changed(reply, reply.length - 1),
        reply.subarray(0, -1),
        Buffer.concat([reply, Buffer.from([0])]),
        // About a packet to another host, with another sequence, with other data.
        error(changed(whole, 19)),
        error(changed(whole, 27)),
        error(changed(whole, 28)),
      ])
        send(Buffer.from(message), source);
      if (request.length === HEADER_OCTETS + TRUE_OCTETS) send(reply, source);
    });
  });
  process.stdin.on("end", () => socket.close()).resume();
  console.log("listening");
}
