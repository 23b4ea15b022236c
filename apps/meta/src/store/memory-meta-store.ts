import { RegistryError } from "@rollcall/core";

import type { Candidate, Leadership, MetaRecord, MetaStore, StoreListener, StoredControls } from "./meta-store.ts";

/**
 * Keeps the record of a single meta for as long as the process lives: for tests, and for `rollcall dev`. Whoever stands
 * is elected at once. After `close` another meta may stand, and finds what there was.
 */
export class MemoryMetaStore implements MetaStore {
  #record: MetaRecord | undefined;
  readonly #controls = new Map<string, string>();
  #version = 0;
  #epoch = 0;
  #leadership: Leadership | undefined;

  stand(candidate: Candidate, listener: StoreListener): Promise<void> {
    const leadership: Leadership = {
      epoch: ++this.#epoch,
      isValid: () => this.#leadership === leadership,
      read: () => this.read(),
      write: (record) => (leadership.isValid() ? this.write(record) : refused()),
      writeControls: (version, changes) => (leadership.isValid() ? this.writeControls(version, changes) : refused()),
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

  readControls(): Promise<StoredControls> {
    return Promise.resolve({ version: this.#version, records: new Map(this.#controls) });
  }

  writeControls(version: number, changes: ReadonlyMap<string, string | undefined>): Promise<void> {
    this.#version = version;
    applyChanges(this.#controls, changes);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#leadership = undefined;
    return Promise.resolve();
  }
}

function refused(): Promise<never> {
  return Promise.reject(new RegistryError("closed", "the store is closed"));
}

/** Makes changes of control records in a map of them. */
export function applyChanges(records: Map<string, string>, changes: ReadonlyMap<string, string | undefined>): void {
  for (const [id, text] of changes)
    if (text === undefined) records.delete(id);
    else records.set(id, text);
}
