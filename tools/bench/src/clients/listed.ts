import type { Watcher } from "./registry-client.ts";

/** Tells a watcher what is different in each list from the one before, for registries that give lists. */
export class Listed {
  readonly #watcher: Watcher;
  #ids: ReadonlySet<string> = new Set();

  constructor(watcher: Watcher) {
    this.#watcher = watcher;
  }

  show(ids: readonly string[]): void {
    const listed = new Set(ids);
    for (const id of listed) if (!this.#ids.has(id)) this.#watcher.appeared(id);
    for (const id of this.#ids) if (!listed.has(id)) this.#watcher.disappeared(id);
    this.#ids = listed;
  }
}
