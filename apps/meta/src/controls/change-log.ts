/**
 * What was decided of late. A change is kept in the store beside the records, under an id of its own, in the same write as
 * the record it is about: so no decision is without its entry, and none has an entry that did not happen. The oldest are
 * forgotten.
 */

import type { ControlChange } from "@rollcall/core";

/** Text of a change for the store. */
export interface ChangeCodec {
  readonly write: (change: ControlChange) => string;
  readonly read: (text: string) => ControlChange;
}

/** Changes that are kept, and characters of their texts. */
export const CHANGES_MAX = 1_000;
const CHARACTERS_MAX = 4 * 1_048_576;

/** No record's id begins so. */
const ID_PREFIX = "!change/";

interface Entry {
  readonly id: string;
  readonly text: string;
}

export class ChangeLog {
  readonly #codec: ChangeCodec;
  /** Oldest first. */
  #entries: readonly Entry[];

  /** @param stored everything that is stored beside the records, and the records: what is no change is passed over */
  constructor(stored: ReadonlyMap<string, string>, codec: ChangeCodec) {
    this.#codec = codec;
    this.#entries = [...stored]
      .filter(([id]) => isChangeId(id))
      .map(([id, text]) => ({ id, text }))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** The newest, oldest of them first. */
  list(limit = CHANGES_MAX): ControlChange[] {
    return this.#entries.slice(-limit).map(({ text }) => this.#codec.read(text));
  }

  /** What the store is to write for this change; `commit` when it has. */
  plan(change: ControlChange): {
    readonly texts: ReadonlyMap<string, string | undefined>;
    readonly commit: () => void;
  } {
    const entry = { id: changeId(change), text: this.#codec.write(change) };
    const all = [...this.#entries, entry];
    let characters = all.reduce((sum, { text }) => sum + text.length, 0);
    let forgotten = 0;
    while (all.length - forgotten > CHANGES_MAX || characters > CHARACTERS_MAX)
      characters -= all[forgotten++]!.text.length;
    const texts = new Map<string, string | undefined>([[entry.id, entry.text]]);
    for (const { id } of all.slice(0, forgotten)) texts.set(id, undefined);
    return { texts, commit: () => (this.#entries = all.slice(forgotten)) };
  }
}

export function isChangeId(id: string): boolean {
  return id.startsWith(ID_PREFIX);
}

/** In the order of versions, also as text. */
function changeId({ version }: ControlChange): string {
  return ID_PREFIX + String(version).padStart(16, "0");
}
