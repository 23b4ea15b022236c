/**
 * What has to be done when this process ends, however it ends: by itself, by an error, or because somebody loses patience
 * and sends a signal. Only a `kill -9` leaves things behind.
 */

import { constants } from "node:os";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const todo = new Set<() => void>();

/** @returns what makes it forgotten again, once it is done otherwise */
export function atExit(work: () => void): () => void {
  if (process.listenerCount("exit", doAll) === 0) {
    process.once("exit", doAll);
    for (const signal of SIGNALS) process.once(signal, () => process.exit(128 + constants.signals[signal]));
  }
  todo.add(work);
  return () => void todo.delete(work);
}

/** The newest first, as with everything that is built up: servers end before their folders are removed. */
function doAll(): void {
  for (const work of [...todo].toReversed()) work();
}
