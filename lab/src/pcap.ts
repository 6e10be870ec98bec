/** The stream that `tcpdump -w -` writes (pcap savefile format, nanosecond variant, little-endian): read, and written. */

const MAGIC_NANOSECONDS = 0xa1b23c4d;
const FILE_HEADER = 24;
const RECORD_HEADER = 16;
/** tcpdump's own limit; a longer record means that the stream is not what we think. */
const RECORD_MAX = 262_144;
const LINKTYPE_ETHERNET = 1;

/** Begins a stream of Ethernet frames. */
export const PCAP_FILE_HEADER: Buffer = fields(
  MAGIC_NANOSECONDS,
  (4 << 16) | 2,
  0,
  0,
  RECORD_MAX,
  LINKTYPE_ETHERNET,
);

/** @param wallMs milliseconds of the wall clock. */
export function pcapRecord(frame: Buffer, wallMs: number): Buffer {
  const seconds = Math.floor(wallMs / 1000);
  const nanoseconds = Math.floor((wallMs - seconds * 1000) * 1e6);
  return Buffer.concat([fields(seconds, nanoseconds, frame.length, frame.length), frame]);
}

/**
 * @param onRecord gets each frame with its time in milliseconds of the wall clock.
 * @returns takes the stream piece by piece. It throws Error when the stream is not a capture.
 */
export function createPcapReader(
  onRecord: (frame: Buffer, wallMs: number) => void,
): (bytes: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let begun = false;
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    if (!begun) {
      if (rest.length < FILE_HEADER) return;
      const magic = rest.readUInt32LE(0);
      if (magic !== MAGIC_NANOSECONDS) {
        throw new Error(
          `tcpdump wrote ${magic.toString(16)}, expected a capture with nanoseconds (${MAGIC_NANOSECONDS.toString(16)})`,
        );
      }
      rest = rest.subarray(FILE_HEADER);
      begun = true;
    }
    while (rest.length >= RECORD_HEADER) {
      const length = rest.readUInt32LE(8);
      if (length > RECORD_MAX) throw new Error(`tcpdump wrote a record of ${length} octets`);
      if (rest.length < RECORD_HEADER + length) return;
      const wallMs = rest.readUInt32LE(0) * 1000 + rest.readUInt32LE(4) / 1e6;
      // A copy, because callers keep frames and the stream's buffers are large.
      onRecord(Buffer.from(rest.subarray(RECORD_HEADER, RECORD_HEADER + length)), wallMs);
      rest = rest.subarray(RECORD_HEADER + length);
    }
  };
}

function fields(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32LE(value, 4 * index));
  return bytes;
}
