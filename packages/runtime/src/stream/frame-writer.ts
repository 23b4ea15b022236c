/**
 * Hands frames to an HTTP/2 stream. Frames sent in one tick leave together: they are held until the tick ends and then
 * joined, so that a burst costs one write instead of one a frame. A tick is not a delay: nothing else could have run.
 */

import type { Http2Stream } from "node:http2";

import type { Frame } from "@rollcall/core";

/**
 * Up to this many bytes, held frames are copied into one buffer: a write costs more than copying so little. Above it
 * they are handed over one by one, corked, so that a frame shared by many streams stays one.
 */
const JOINED_BYTES_MAX = 64 * 1024;

export class FrameWriter {
  readonly #stream: Http2Stream;
  readonly #drained: () => void;
  #held: Uint8Array[] = [];
  #heldBytes = 0;

  /** `drained` is called after every time that {@link congested} was true, once it is not any more. */
  constructor(stream: Http2Stream, drained: () => void) {
    this.#stream = stream;
    this.#drained = drained;
    stream.on("drain", drained);
  }

  get congested(): boolean {
    return this.#stream.writableNeedDrain || this.#isOverfull(this.#heldBytes);
  }

  send(frame: Frame | Uint8Array): void {
    if (this.#held.push(frame) === 1) process.nextTick(() => this.#flush());
    this.#heldBytes += frame.length;
  }

  /** Sends what is held and then `last`, and ends this direction of the stream. */
  end(last?: Uint8Array): void {
    if (last !== undefined) this.send(last);
    this.#flush();
    if (this.#stream.writable) this.#stream.end();
  }

  flush(): void {
    this.#flush();
  }

  #flush(): void {
    const frames = this.#held;
    if (frames.length === 0) return;
    const bytes = this.#heldBytes;
    const saidCongested = this.#isOverfull(bytes);
    this.#held = [];
    this.#heldBytes = 0;
    if (!this.#stream.writable) return;
    if (frames.length === 1 && frames[0] !== undefined) this.#stream.write(frames[0]);
    else if (bytes <= JOINED_BYTES_MAX) this.#stream.write(Buffer.concat(frames, bytes));
    else this.#writeCorked(frames);
    if (saidCongested && !this.#stream.writableNeedDrain) this.#drained();
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
