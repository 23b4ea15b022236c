/**
 * What nodes are told of control records: everything that has changed since the version they have, a bounded part at a
 * time. Each change has a version of its own, so "all that changed after version n" is one stretch of a list in the order
 * of versions, whoever asks and wherever it stopped before. A record is in it once, at its newest version. Removals leave
 * nothing in the store, so they are remembered here, the last of them; to a node that knows only what was before these the
 * list is told from its beginning.
 */

import { ROLES_OF_CONTROL, type Control, type ControlRecord, type ControlsPart, type NodeRole } from "@rollcall/core";

/** Removals that are remembered. */
const REMOVALS_MAX = 10_000;

/** Size of one part, in bytes of the records' texts: some hundred records. */
export const PART_BYTES = 128 * 1024;

type Change =
  | { readonly kind: "set"; readonly version: number; readonly record: ControlRecord; readonly bytes: number }
  | { readonly kind: "removed"; readonly version: number; readonly control: Control };

export class ControlNews {
  /** By id, in the order of versions: what changes again goes to the end. */
  readonly #changes = new Map<string, Change>();
  #version: number;
  #removals = 0;
  /** Every removal after this version is remembered. */
  #removalsKnownAfter: number;

  /** @param version the newest; removals before it are not known */
  constructor(version: number) {
    this.#version = version;
    this.#removalsKnownAfter = version;
  }

  /** Notes what is decided. Called in the order of versions. @param bytes size of its text */
  set(record: ControlRecord, bytes: number): void {
    this.#put(record.id, { kind: "set", version: record.version, record, bytes });
  }

  /** @param version at which it was taken back */
  remove({ id, control }: ControlRecord, version: number): void {
    this.#put(id, { kind: "removed", version, control });
    if (++this.#removals > REMOVALS_MAX) this.#forgetOldestRemoval();
  }

  /**
   * The next part for a node of `role` that has come through version `from`; undefined when it has everything.
   * @param began the newest version at which it began to be told the complete list, of which it is in the middle
   */
  partAfter(from: number, role: NodeRole, began: number | undefined): Omit<ControlsPart, "clusterId"> | undefined {
    const version = this.#version;
    if (from >= version) return undefined;
    // Of what was removed before a list was begun there is nothing in it.
    const complete = (began ?? from) < this.#removalsKnownAfter;
    const base = complete ? 0 : from;
    const records: ControlRecord[] = [];
    const removedIds: string[] = [];
    let through = version;
    let bytes = 0;
    let last = base;
    for (const [id, change] of this.#changes) {
      if (change.version <= base) continue;
      const concerns = ROLES_OF_CONTROL[controlOf(change).kind].includes(role);
      const size = concerns ? bytesOf(id, change) : 0;
      if (bytes + size > PART_BYTES && bytes > 0) {
        through = last;
        break;
      }
      bytes += size;
      last = change.version;
      if (!concerns) continue;
      if (change.kind === "set") records.push(change.record);
      else removedIds.push(id);
    }
    return { version, base, through, records, removedIds, complete };
  }

  #put(id: string, change: Change): void {
    if (this.#changes.get(id)?.kind === "removed") this.#removals--;
    this.#changes.delete(id);
    this.#changes.set(id, change);
    this.#version = Math.max(this.#version, change.version);
  }

  #forgetOldestRemoval(): void {
    for (const [id, change] of this.#changes) {
      if (change.kind !== "removed") continue;
      this.#changes.delete(id);
      this.#removals--;
      this.#removalsKnownAfter = change.version;
      return;
    }
  }
}

function controlOf(change: Change): Control {
  return change.kind === "set" ? change.record.control : change.control;
}

function bytesOf(id: string, change: Change): number {
  return change.kind === "set" ? change.bytes : id.length;
}
