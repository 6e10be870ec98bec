/** The part of dns-packet 5.6 that is used here; it brings no types. */
declare module "dns-packet" {
  interface Decoder {
    (octets: Buffer, offset: number): unknown;
    /** Of the last call: how many octets it took. */
    readonly bytes: number;
  }

  const packet: {
    readonly RECURSION_DESIRED: number;
    encode(message: {
      readonly type: "query" | "response";
      readonly id: number;
      readonly flags: number;
      readonly questions: readonly { readonly type: string; readonly name: string }[];
      readonly answers?: readonly {
        readonly type: string;
        readonly name: string;
        readonly ttl: number;
        readonly data: unknown;
      }[];
    }): Buffer;
    readonly name: { readonly decode: Decoder };
    /** How the data of a type of records is read, its length before it. */
    record(type: string): { readonly decode: Decoder };
  };
  export default packet;
}
