/** The Streams standard, by web-streams-polyfill, its transforms of text, and what makes a connection's streams. */
export {
  ByteLengthQueuingStrategy,
  CountQueuingStrategy,
  ReadableByteStreamController,
  ReadableStream,
  ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest,
  ReadableStreamDefaultController,
  ReadableStreamDefaultReader,
  TransformStream,
  TransformStreamDefaultController,
  WritableStream,
  WritableStreamDefaultController,
  WritableStreamDefaultWriter,
} from "web-streams-polyfill";
export { socketStreams } from "./socket-streams.ts";
export { TextDecoderStream, TextEncoderStream } from "./text-streams.ts";
