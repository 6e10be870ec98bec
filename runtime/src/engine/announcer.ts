/** Sends bursts of gratuitous ARP and unsolicited neighbour advertisements, with the gap that the configuration wants. */
import type { PacketSocket } from "../linux/packet-socket.ts";

export interface Announcement {
  readonly device: string;
  readonly index: number;
  readonly frame: Uint8Array;
  /** Who announces; what it has not sent yet is dropped when it stops being master. */
  readonly owner: object;
  readonly onSent: () => void;
}

export class Announcer {
  readonly #packets: PacketSocket;
  readonly #onError: (message: string) => void;
  /** In the order of their times. */
  #pending: (Announcement & { readonly atMs: number })[] = [];
  /** When the interface may carry the next frame. */
  readonly #freeAtMs = new Map<string, number>();

  constructor(packets: PacketSocket, onError: (message: string) => void) {
    this.#packets = packets;
    this.#onError = onError;
  }

  /** At once, or in its turn where there is to be a gap between two frames of the interface. */
  announce(announcement: Announcement, gapMs: number, nowMs: number): void {
    if (gapMs === 0) return this.#send(announcement);
    const { device } = announcement;
    const atMs = Math.max(nowMs, this.#freeAtMs.get(device) ?? 0);
    this.#freeAtMs.set(device, atMs + gapMs);
    const later = this.#pending.findIndex((entry) => entry.atMs > atMs);
    this.#pending.splice(later === -1 ? this.#pending.length : later, 0, { ...announcement, atMs });
  }

  nextDeadlineMs(): number | undefined {
    return this.#pending[0]?.atMs;
  }

  tick(nowMs: number): void {
    const due = this.#pending.filter((entry) => entry.atMs <= nowMs);
    this.#pending = this.#pending.slice(due.length);
    for (const entry of due) this.#send(entry);
  }

  cancel(owner: object): void {
    const before = this.#pending;
    this.#pending = before.filter((entry) => entry.owner !== owner);
    // The turns that it does not take are free again, where nobody else waits behind them.
    for (const { device } of before)
      if (!this.#pending.some((entry) => entry.device === device)) this.#freeAtMs.delete(device);
  }

  #send({ device, index, frame, onSent }: Announcement): void {
    try {
      this.#packets.send(index, frame);
      onSent();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#onError(`an announcement on ${device} could not be sent: ${reason}`);
    }
  }
}
