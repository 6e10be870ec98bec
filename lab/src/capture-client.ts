/**
 * Stands in for tcpdump inside a user namespace, where tcpdump ends because it cannot change its user: writes the
 * frames of one interface that `startCapture` is about to standard output as a pcap savefile, stamped as they are read
 * (packet(7), SO_ATTACH_FILTER).
 *
 *   node capture-client.ts INTERFACE
 */
import koffi from "koffi";
import { PCAP_FILE_HEADER, pcapRecord } from "./pcap.ts";

const AF_PACKET = 17;
const SOCK_RAW = 3;
const ETH_P_ALL = 3;
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const FRAME_MAX = 65_536;

/*
 * Classic BPF, each instruction as [code, jump if true, jump if false, operand]; jumps count from the next one. Keeps
 * ARP; IPv4 and IPv6 with protocol 112 (VRRP) or 51 (AH); ICMPv6 type 136 (neighbour advertisement).
 */
const FILTER = [
  [0x28, 0, 0, 12], // Ethernet's type
  [0x15, 11, 0, 0x0806],
  [0x15, 0, 3, 0x0800],
  [0x30, 0, 0, 23], // IPv4's protocol
  [0x15, 8, 0, 112],
  [0x15, 7, 8, 51],
  [0x15, 0, 7, 0x86dd],
  [0x30, 0, 0, 20], // IPv6's next header
  [0x15, 4, 0, 112],
  [0x15, 3, 0, 51],
  [0x15, 0, 3, 58],
  [0x30, 0, 0, 54], // ICMPv6's type
  [0x15, 0, 1, 136],
  [0x06, 0, 0, FRAME_MAX],
  [0x06, 0, 0, 0],
] as const;

const libc = koffi.load("libc.so.6");
const openSocket = libc.func("int socket(int, int, int)");
const bind = libc.func("int bind(int, const void *, uint)");
const setOption = libc.func("int setsockopt(int, int, int, const void *, uint)");
const indexOf = libc.func("uint if_nametoindex(const char *)");
const receive = libc.func("long recv(int, _Out_ void *, size_t, int)");

const [interfaceName = ""] = process.argv.slice(2);
const descriptor = must(openSocket(AF_PACKET, SOCK_RAW, swap(ETH_P_ALL)), "socket");
attachFilter();
const address = Buffer.alloc(20);
address.writeUInt16LE(AF_PACKET, 0);
address.writeUInt16BE(ETH_P_ALL, 2);
address.writeUInt32LE(indexOf(interfaceName) as number, 4);
must(bind(descriptor, address, address.length), `bind to ${interfaceName}`);
process.stdout.write(PCAP_FILE_HEADER);
process.stderr.write(`listening on ${interfaceName}\n`);
const buffer = Buffer.alloc(FRAME_MAX);
next();

/** One frame after the other: a blocking read on a thread of the pool. */
function next(): void {
  receive.async(descriptor, buffer, buffer.length, 0, (error: Error | null, length: number) => {
    if (error !== null) throw error;
    if (length < 0) throw new Error(`recv on ${interfaceName} failed`);
    const wallMs = performance.timeOrigin + performance.now();
    process.stdout.write(pcapRecord(buffer.subarray(0, length), wallMs));
    next();
  });
}

function attachFilter(): void {
  const program = Buffer.alloc(8 * FILTER.length);
  FILTER.forEach(([code, whenTrue, whenFalse, operand], index) => {
    program.writeUInt16LE(code, 8 * index);
    program.writeUInt8(whenTrue, 8 * index + 2);
    program.writeUInt8(whenFalse, 8 * index + 3);
    program.writeUInt32LE(operand, 8 * index + 4);
  });
  const descriptionOfProgram = Buffer.alloc(16);
  descriptionOfProgram.writeUInt16LE(FILTER.length, 0);
  descriptionOfProgram.writeBigUInt64LE(BigInt(koffi.address(program)), 8);
  must(
    setOption(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, descriptionOfProgram, 16),
    "SO_ATTACH_FILTER",
  );
}

function must(result: unknown, what: string): number {
  if (typeof result === "number" && result >= 0) return result;
  throw new Error(`${what} failed with errno ${koffi.errno()}`);
}

function swap(value: number): number {
  return ((value & 0xff) << 8) | (value >> 8);
}
