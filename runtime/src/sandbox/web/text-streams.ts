/** TextEncoderStream and TextDecoderStream: the Encoding standard's sections 7.5 and 7.6. */
import { TransformStream } from "web-streams-polyfill";
import { bytesOf, isBytes, utf8Of } from "./octets.ts";
import type { Load } from "./parts.ts";

declare const load: Load;

/** A stream that does nothing else than its transform. */
class TextStream<Input, Output> {
  readonly #transform: TransformStream<Input, Output>;

  constructor(transform: TransformStream<Input, Output>) {
    this.#transform = transform;
  }

  get readable(): TransformStream<Input, Output>["readable"] {
    return this.#transform.readable;
  }
  get writable(): TransformStream<Input, Output>["writable"] {
    return this.#transform.writable;
  }
}

export class TextEncoderStream extends TextStream<unknown, Uint8Array> {
  constructor() {
    // The first half of a character whose second half is in the next chunk.
    let half = "";
    super(
      new TransformStream<unknown, Uint8Array>({
        transform(chunk, controller) {
          const text = half + `${chunk as string}`;
          half = /[\ud800-\udbff]$/.test(text) ? text.slice(-1) : "";
          const whole = half === "" ? text : text.slice(0, -1);
          if (whole !== "") controller.enqueue(bytesOf(utf8Of(whole)));
        },
        flush(controller) {
          if (half !== "") controller.enqueue(bytesOf(utf8Of(half)));
        },
      }),
    );
  }

  get encoding(): string {
    return "utf-8";
  }
  get [Symbol.toStringTag](): string {
    return "TextEncoderStream";
  }
}

export class TextDecoderStream extends TextStream<unknown, string> {
  readonly #decoder: InstanceType<ReturnType<typeof decoderClass>>;

  constructor(
    label?: string,
    options?: { readonly fatal?: boolean; readonly ignoreBOM?: boolean },
  ) {
    const decoder = new (decoderClass())(label, options);
    super(
      new TransformStream<unknown, string>({
        transform(chunk, controller) {
          if (!isBytes(chunk)) throw new TypeError("TextDecoderStream: expected bytes");
          const text = decoder.decode(chunk as Uint8Array, { stream: true });
          if (text !== "") controller.enqueue(text);
        },
        flush(controller) {
          const text = decoder.decode();
          if (text !== "") controller.enqueue(text);
        },
      }),
    );
    this.#decoder = decoder;
  }

  get encoding(): string {
    return this.#decoder.encoding;
  }
  get fatal(): boolean {
    return this.#decoder.fatal;
  }
  get ignoreBOM(): boolean {
    return this.#decoder.ignoreBOM;
  }
  get [Symbol.toStringTag](): string {
    return "TextDecoderStream";
  }
}

function decoderClass() {
  return load("encoding").TextDecoder;
}
