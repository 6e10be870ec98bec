/**
 * Sends VRRP packets of many broken kinds as fast as it is told to, through a packet socket.
 *
 *   node flood-client.ts INTERFACE PACKETS_PER_SECOND SECONDS SEED
 *
 * Prints how many it sent.
 */
import { listLinks } from "../../src/linux/link.ts";
import { openNetlink } from "../../src/linux/netlink.ts";
import { openPacketSocket } from "../../src/linux/packet-socket.ts";
import { internetChecksum } from "../../src/packet/checksum.ts";

const BATCH_MS = 2;
const KINDS = 512;

const [device = "", rate = "", seconds = "", seed = "1"] = process.argv.slice(2);
const link = listLinks(openNetlink()).find(({ name }) => name === device);
if (link === undefined) throw new Error(`there is no interface ${device}`);
const { index, station } = link;
const socket = openPacketSocket();

/** xorshift: the same seed, the same packets. */
let state = Number(seed) | 1;
function random(below: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % below;
}

/** Version 3 of virtual router 51 with something wrong, or nothing but noise. */
function frame(): Uint8Array {
  const payload = Uint8Array.from({ length: random(40) }, () => random(256));
  if (random(4) > 0) {
    payload.set([0x31, 51, random(255), random(3)].slice(0, payload.length));
    // A resignation or a high priority with a right checksum must not be among them: those are no malformed packets.
    if (payload.length > 7) payload[7] = (payload[7] ?? 0) ^ 1;
  }
  // Senders that the receiver's kernel takes for none of its own addresses: it drops those by itself.
  const total = 20 + payload.length;
  const header = Uint8Array.of(
    0x45,
    0xc0,
    0,
    total,
    0,
    0,
    0,
    0,
    random(2) === 0 ? 255 : 64,
    112,
    0,
    0,
    10,
    0,
    0,
    random(100) + 150,
    224,
    0,
    0,
    18,
  );
  const checksum = internetChecksum(header);
  header[10] = checksum >>> 8;
  header[11] = checksum & 255;
  return Uint8Array.from([
    0x01,
    0,
    0x5e,
    0,
    0,
    0x12,
    ...station,
    0x08,
    0x00,
    ...header,
    ...payload,
  ]);
}

const frames = Array.from({ length: KINDS }, frame);
const startedMs = performance.now();
const untilMs = startedMs + Number(seconds) * 1000;
let sent = 0;
let refused = 0;

function batch(): void {
  const nowMs = performance.now();
  if (nowMs >= untilMs) {
    console.log(JSON.stringify({ sent, refused, seconds: (nowMs - startedMs) / 1000 }));
    return socket.close();
  }
  const due = Math.min(
    ((nowMs - startedMs) / 1000) * Number(rate),
    sent + refused + Number(rate) / 50,
  );
  while (sent + refused < due) {
    try {
      socket.send(index, frames[sent % KINDS] ?? new Uint8Array(0));
      sent++;
    } catch {
      // No room in the interface's queue.
      refused++;
    }
  }
  setTimeout(batch, BATCH_MS);
}
batch();
