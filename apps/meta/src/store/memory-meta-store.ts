import { RegistryError } from "@rollcall/core";

import type { Candidate, Leadership, MetaRecord, MetaStore, StoreListener } from "./meta-store.ts";

/**
 * Keeps the record of a single meta for as long as the process lives: for tests, and for `rollcall dev`. Whoever stands
 * is elected at once. After `close` another meta may stand, and finds what there was.
 */
export class MemoryMetaStore implements MetaStore {
  #record: MetaRecord | undefined;
  #epoch = 0;
  #leadership: Leadership | undefined;

  stand(candidate: Candidate, listener: StoreListener): Promise<void> {
    const leadership: Leadership = {
      epoch: ++this.#epoch,
      isValid: () => this.#leadership === leadership,
      read: () => this.read(),
      write: (record) =>
        leadership.isValid() ? this.write(record) : Promise.reject(new RegistryError("closed", "the store is closed")),
    };
    this.#leadership = leadership;
    listener.leaderChanged(candidate);
    listener.elected(leadership);
    return Promise.resolve();
  }

  read(): Promise<MetaRecord | undefined> {
    return Promise.resolve(this.#record);
  }

  write(record: MetaRecord): Promise<void> {
    this.#record = structuredClone(record);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#leadership = undefined;
    return Promise.resolve();
  }
}
