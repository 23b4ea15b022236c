/**
 * Hands frames to an HTTP/2 stream. Frames sent in one tick leave together: they are held until the tick ends and then
 * joined, so that a burst costs one write instead of one a frame. A tick is not a delay: nothing else could have run.
 * To a stream whose other side accepts it large frames go compressed, and wait until they are.
 */

import type { Http2Stream } from "node:http2";

import type { Frame } from "@rollcall/core";
import { CompressedFrame, type SharedCompression } from "./compression.ts";

/**
 * Up to this many bytes, held frames are copied into one buffer: a write costs more than copying so little. Above it
 * they are handed over one by one, corked, so that a frame shared by many streams stays one.
 */
const JOINED_BYTES_MAX = 64 * 1024;

type Held = Uint8Array | CompressedFrame;

export class FrameWriter {
  readonly #stream: Http2Stream;
  readonly #drained: () => void;
  readonly #compression: SharedCompression | undefined;
  #held: Held[] = [];
  #heldBytes = 0;
  /** The frame at the head of those held, while it is being compressed. */
  #awaited: CompressedFrame | undefined;

  /**
   * `drained` is called after every time that {@link congested} was true, once it is not any more.
   * @param compression if the other side accepts it
   */
  constructor(stream: Http2Stream, drained: () => void, compression?: SharedCompression) {
    this.#stream = stream;
    this.#drained = drained;
    this.#compression = compression;
    stream.on("drain", drained);
  }

  get congested(): boolean {
    return this.#stream.writableNeedDrain || this.#isOverfull(this.#heldBytes);
  }

  send(frame: Frame | Uint8Array): void {
    const held = this.#compression?.of(frame) ?? frame;
    if (this.#held.push(held) === 1) atEndOfTick(this);
    this.#heldBytes += held.length;
  }

  /** Sends what is held and then `last`, and ends this direction of the stream. */
  end(last?: Uint8Array): void {
    if (last !== undefined) this.send(last);
    this.flush();
    if (this.#stream.writable) this.#stream.end();
  }

  /** Sends what is held now: what is still being compressed goes as it is. */
  flush(): void {
    this.#write(this.#held.length);
  }

  /** The tick has ended: sends what is held up to the first frame that is still being compressed. */
  tickEnded(): void {
    const unready = this.#compression === undefined ? -1 : this.#held.findIndex(isInTheMaking);
    this.#write(unready === -1 ? this.#held.length : unready);
    const [next] = this.#held;
    if (!(next instanceof CompressedFrame) || next === this.#awaited) return;
    this.#awaited = next;
    next.whenReady(() => {
      this.#awaited = undefined;
      this.tickEnded();
    });
  }

  #write(count: number): void {
    if (count === 0) return;
    const saidCongested = this.#isOverfull(this.#heldBytes);
    const frames = this.#take(count);
    if (!this.#stream.writable) return;
    const bytes = frames.reduce((sum, frame) => sum + frame.length, 0);
    if (frames.length === 1 && frames[0] !== undefined) this.#stream.write(frames[0]);
    else if (bytes <= JOINED_BYTES_MAX) this.#stream.write(Buffer.concat(frames, bytes));
    else this.#writeCorked(frames);
    if (saidCongested && !this.congested) this.#drained();
  }

  #take(count: number): readonly Uint8Array[] {
    const taken = this.#held;
    this.#held = taken.splice(count);
    this.#heldBytes = this.#held.reduce((sum, held) => sum + held.length, 0);
    return taken.map((held) => (held instanceof CompressedFrame ? held.bytes : held));
  }

  #writeCorked(frames: readonly Uint8Array[]): void {
    this.#stream.cork();
    for (const frame of frames) this.#stream.write(frame);
    this.#stream.uncork();
  }

  #isOverfull(heldBytes: number): boolean {
    return heldBytes > 0 && this.#stream.writableLength + heldBytes >= this.#stream.writableHighWaterMark;
  }
}

/** Those that hold frames: a thousand clients that are answered in one tick take one callback of Node, not a thousand. */
const holding: FrameWriter[] = [];

function atEndOfTick(writer: FrameWriter): void {
  if (holding.push(writer) === 1) process.nextTick(tickEnded);
}

function tickEnded(): void {
  for (const writer of holding.splice(0)) writer.tickEnded();
}

function isInTheMaking(held: Held): boolean {
  return held instanceof CompressedFrame && !held.isReady;
}
