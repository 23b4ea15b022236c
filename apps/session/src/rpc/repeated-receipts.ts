/**
 * Ten thousand clients that were pushed the same answer with the same receipt, byte for byte. Like the push, which is
 * encoded once for all of them, it is decoded and checked once: messages that hold nothing but receipts are remembered
 * for a while by their bytes.
 */

import { saysMore, type ClientMessage } from "@rollcall/core";

/** Messages remembered: as many services may change at a time, and still each receipt is read once. */
const REMEMBERED_MAX = 8;

/** Longer ones are for many services at a time, and are not the same for many clients. */
const BYTES_MAX = 1_024;

interface Remembered {
  readonly bytes: Uint8Array;
  readonly message: ClientMessage;
}

export class RepeatedReceipts {
  readonly #remembered: Remembered[] = [];
  #oldest = 0;

  /** The checked message that these bytes were before. */
  find(bytes: Uint8Array): ClientMessage | undefined {
    return this.#remembered.find((remembered) => areSame(remembered.bytes, bytes))?.message;
  }

  /** @param message what the bytes were found to be, checked */
  remember(bytes: Uint8Array, message: ClientMessage): void {
    if (bytes.length > BYTES_MAX || !holdsOnlyReceipts(message)) return;
    this.#remembered[this.#oldest] = { bytes: bytes.slice(), message };
    this.#oldest = (this.#oldest + 1) % REMEMBERED_MAX;
  }
}

const RECEIPTS: readonly (keyof ClientMessage)[] = ["receipts"];

function holdsOnlyReceipts(message: ClientMessage): boolean {
  return message.receipts.length > 0 && !saysMore(message, RECEIPTS);
}

function areSame(a: Uint8Array, b: Uint8Array): boolean {
  // The end differs first: digests and versions are there.
  if (a.length !== b.length) return false;
  for (let index = a.length - 1; index >= 0; index--) if (a[index] !== b[index]) return false;
  return true;
}
