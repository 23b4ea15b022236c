import type { MetaRecord, MetaStore } from "./meta-store.ts";

/** Keeps the record for as long as the process lives: for tests, and for `rollcall dev`. */
export class MemoryMetaStore implements MetaStore {
  #record: MetaRecord | undefined;

  read(): Promise<MetaRecord | undefined> {
    return Promise.resolve(this.#record);
  }

  write(record: MetaRecord): Promise<void> {
    this.#record = structuredClone(record);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
