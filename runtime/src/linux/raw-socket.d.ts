/** The part of raw-socket 1.8 that is used here; it brings no types. */
declare module "raw-socket" {
  import type { EventEmitter } from "node:events";

  interface Socket extends EventEmitter {
    setOption(level: number, option: number, value: number | Buffer, length?: number): void;
    pauseRecv(): this;
    close(): this;
    /** The socket itself, below the queue: emits "recvReady" while there is something to receive. */
    readonly wrap: EventEmitter & {
      send(
        buffer: Buffer,
        offset: number,
        length: number,
        address: string,
        sent: (bytes: number) => void,
      ): void;
    };
  }

  const raw: {
    readonly AddressFamily: { readonly IPv4: number; readonly IPv6: number };
    createSocket(options: {
      readonly protocol: number;
      readonly addressFamily: number;
      readonly bufferSize: number;
    }): Socket;
  };
  export default raw;
}
