/**
 * A `MessageStream` on one HTTP/2 stream, the same on both sides: bytes in become frames, frames become messages for
 * the listener; frames out go through a writer. What differs between the sides, how each says and hears the end, is
 * behind {@link StreamSide}.
 *
 *     open --> closing    by `close`: nothing is heard any more, the listener is told in a moment
 *       \-----> closed    by the other side, a violation or a loss; from `closing` once the listener was told
 */

import type { Http2Stream } from "node:http2";

import { assert, RegistryError, type Frame, type MessageStream, type StreamListener } from "@rollcall/core";
import { FrameParser } from "./frame-parser.ts";
import { FrameWriter } from "./frame-writer.ts";
import { COMPRESSED_FLAG, type SharedCompression } from "./compression.ts";

/** What a side does differently. */
export interface StreamSide {
  /** Who is at the other end, for error messages. */
  readonly peer: string;
  /** Tells the other side that this one ends, and lets go of the HTTP/2 stream. Called at most once. */
  conclude(error: RegistryError | undefined): void;
  /** A frame with flags: of the protocol's own, or of a message that is compressed. */
  flagged(flags: number, message: Uint8Array): void;
  /** The other side has ended its direction, not in the middle of a frame. */
  inputEnded(): void;
  /** Why the HTTP/2 stream ended without a word, if the side knows better than the stream. */
  loss(): RegistryError | undefined;
}

export class Http2MessageStream implements MessageStream {
  readonly writer: FrameWriter;
  readonly #stream: Http2Stream;
  readonly #parser: FrameParser;
  readonly #side: StreamSide;
  #state: "open" | "closing" | "closed" = "open";
  #listener: StreamListener | undefined;
  /** What Node said went wrong, in its words. */
  #failure: string | undefined;

  /** @param compression if the other side accepts it */
  constructor(
    stream: Http2Stream,
    messageBytesMax: number,
    makeSide: (link: Http2MessageStream) => StreamSide,
    compression?: SharedCompression,
  ) {
    this.#stream = stream;
    this.#parser = new FrameParser(messageBytesMax);
    const drained = (): void => {
      if (this.#state === "open") this.#listener?.drained?.();
    };
    this.writer = new FrameWriter(stream, drained, compression);
    this.#side = makeSide(this);
    stream.on("data", (chunk: Uint8Array) => this.#read(chunk));
    // Node's clients cancel with an end and a reset right behind it: once both are read, the reset is what counts.
    stream.on("end", () => setImmediate(() => this.#inputEnded()));
    // What went wrong comes again as `close`, with the code; without a listener the process would end here.
    stream.on("error", (error: Error) => {
      this.#failure = error.cause instanceof Error ? error.cause.message : error.message;
    });
    stream.on("close", () => this.#lost());
  }

  get isListened(): boolean {
    return this.#listener !== undefined;
  }

  get congested(): boolean {
    return this.#state === "open" && this.writer.congested;
  }

  listen(listener: StreamListener): void {
    assert(this.#listener === undefined, "a stream is listened to once");
    this.#listener = listener;
  }

  send(frame: Frame): void {
    if (this.#state === "open") this.writer.send(frame);
  }

  close(error?: RegistryError): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.#side.conclude(error);
    // Later, so that whoever closes is not called back from inside its own call.
    setImmediate(() => this.#tell(error));
  }

  /** The other side's process has taken the link. */
  taken(): void {
    if (this.#state === "open") this.#listener?.taken?.();
  }

  /** Hands a message to the listener, once it is plain. */
  deliver(message: Uint8Array): void {
    this.#listener?.message(message);
  }

  /** The link is over: tells the other side, if it can still hear it, and the listener at once. */
  finish(error: RegistryError | undefined): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.#side.conclude(error);
    this.#tell(error);
  }

  /** The link is gone without a word; nobody is left to be told but the listener. */
  lose(error: RegistryError): void {
    if (this.#state === "open") this.#tell(error);
  }

  #tell(error: RegistryError | undefined): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#listener?.closed(error);
  }

  #read(chunk: Uint8Array): void {
    if (this.#state !== "open") return;
    try {
      this.#parser.push(chunk, (flags, message) => this.#take(flags, message));
    } catch (thrown) {
      // A listener refuses a malformed message by throwing; anything else that is thrown is a fault of ours and stops.
      if (!(thrown instanceof RegistryError)) throw thrown;
      this.finish(thrown);
    }
  }

  #take(flags: number, message: Uint8Array): void {
    if (this.#state !== "open") return;
    if (flags === 0) this.deliver(message);
    else this.#side.flagged(flags, message);
  }

  #inputEnded(): void {
    if (this.#state !== "open") return;
    // A reset or a lost connection ends the input too, as if it were complete; `close` comes next and tells.
    if (this.#stream.destroyed || this.#stream.aborted || (this.#stream.rstCode ?? 0) !== 0) return;
    if (this.#parser.isBetweenFrames) this.#side.inputEnded();
    else this.finish(violation("the stream ended within a frame"));
  }

  #lost(): void {
    if (this.#state !== "open") return;
    const code = this.#stream.rstCode ?? 0;
    const reason = this.#failure ?? (code === 0 ? "ended without a word" : `reset (HTTP/2 code ${code})`);
    this.lose(this.#side.loss() ?? lossOf(this.#side.peer, reason));
  }
}

/** A link that is gone because the other process let go of it or was never there. */
export function lossOf(peer: string, reason: string): RegistryError {
  return new RegistryError("unavailable", `the stream with ${peer} was lost: ${reason}`);
}

/** A link that is gone because nothing comes from the other side any more, which may be the network's doing. */
export function silenceOf(peer: string): RegistryError {
  return new RegistryError("deadline_exceeded", `the stream with ${peer} was lost: it does not answer PINGs`);
}

/** A frame with flags that mean nothing here. */
export function strangeFrame(flags: number): RegistryError {
  if ((flags & COMPRESSED_FLAG) !== 0) return violation("a compressed frame, though no compression was agreed on");
  return violation(`a frame with the flags ${flags}`);
}

export function violation(message: string): RegistryError {
  return new RegistryError("protocol_violation", message);
}
