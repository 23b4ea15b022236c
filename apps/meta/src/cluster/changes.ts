/** Tells whoever listens that something has changed: not what, for by the time it looks it may have changed again. */

export class Changes {
  readonly #listeners = new Set<() => void>();
  #isClosed = false;

  get isClosed(): boolean {
    return this.#isClosed;
  }

  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Resolves at the next change, and when there will be none any more or `signal` is aborted. */
  next(signal: AbortSignal): Promise<void> {
    if (this.#isClosed || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        this.#listeners.delete(end);
        signal.removeEventListener("abort", end);
        resolve();
      };
      this.#listeners.add(end);
      signal.addEventListener("abort", end);
    });
  }

  close(): void {
    this.#isClosed = true;
    this.changed();
  }
}
