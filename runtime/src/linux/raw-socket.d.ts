/** The part of raw-socket 1.8 that is used here; it brings no types. */
declare module "raw-socket" {
  import type { EventEmitter } from "node:events";

  interface Socket extends EventEmitter {
    setOption(level: number, option: number, value: number | Buffer, length?: number): void;
    close(): this;
    readonly wrap: {
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
    readonly AddressFamily: { readonly IPv4: number };
    createSocket(options: {
      readonly protocol: number;
      readonly addressFamily: number;
      readonly bufferSize: number;
    }): Socket;
  };
  export default raw;
}
