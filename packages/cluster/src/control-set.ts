/**
 * The control records by which this node acts: those that concern its role, as meta has told them. They come as changes
 * after a version, in parts when they are many; what has come in part counts for nothing yet, so a node never acts by
 * something that was never decided as a whole. While meta is away the last that is known goes on to count.
 */

import { controlId, type ControlKind, type ControlOf, type ControlRecord, type ControlsPart } from "@rollcall/core";

/** One record of one kind that is other than before; undefined where there was none, or is none any more. */
export interface RecordChange<Kind extends ControlKind> {
  readonly id: string;
  readonly before: ControlRecord<ControlOf<Kind>> | undefined;
  readonly after: ControlRecord<ControlOf<Kind>> | undefined;
}

interface Arriving {
  readonly complete: boolean;
  readonly records: Map<string, ControlRecord>;
  readonly removedIds: Set<string>;
  through: number;
}

type Watcher = (changes: readonly RecordChange<ControlKind>[]) => void;

export class ControlSet {
  #records = new Map<string, ControlRecord>();
  #version = 0;
  #arriving: Arriving | undefined;
  readonly #watchers = new Map<ControlKind, Watcher[]>();

  /** All that was decided up to this version counts here. */
  get version(): number {
    return this.#version;
  }

  /** Through which version newer records have come, while they come in parts; 0 otherwise. */
  get received(): number {
    return this.#arriving?.through ?? 0;
  }

  /** What is decided about the same thing as `control`: of that, only what makes its id counts. */
  find<Kind extends ControlKind>(control: ControlOf<Kind>): ControlRecord<ControlOf<Kind>> | undefined {
    return this.#records.get(controlId(control)) as ControlRecord<ControlOf<Kind>> | undefined;
  }

  /** All records of a kind. It looks at every record: for whoever keeps what it needs of them when they change. */
  all<Kind extends ControlKind>(kind: Kind): ControlRecord<ControlOf<Kind>>[] {
    return [...this.#records.values()].filter((record) => isOfKind(record, kind));
  }

  /** Calls `changed` with what has changed of a kind, after all of it is here. */
  watch<Kind extends ControlKind>(kind: Kind, changed: (changes: readonly RecordChange<Kind>[]) => void): void {
    const watchers = this.#watchers.get(kind) ?? [];
    // It is called with changes of this kind only.
    watchers.push(changed as unknown as Watcher);
    this.#watchers.set(kind, watchers);
  }

  /** Takes a part in, unless it does not go on from what is here. Gives whether this node now acts by something newer. */
  take(part: ControlsPart): boolean {
    const isStart = part.complete && part.base === 0;
    const isNext = part.base === (this.#arriving?.through ?? this.#version);
    if (part.version <= this.#version || !(isStart || isNext)) return false;
    if (isStart || this.#arriving === undefined)
      this.#arriving = { complete: part.complete, records: new Map(), removedIds: new Set(), through: 0 };
    const arriving = this.#arriving;
    arriving.through = part.through;
    for (const record of part.records) {
      arriving.records.set(record.id, record);
      arriving.removedIds.delete(record.id);
    }
    for (const id of part.removedIds) {
      arriving.records.delete(id);
      arriving.removedIds.add(id);
    }
    if (part.through < part.version) return false;
    this.#arriving = undefined;
    this.#adopt(arriving);
    return true;
  }

  #adopt({ complete, records, removedIds, through }: Arriving): void {
    const before = this.#records;
    const gone = complete ? [...before.keys()].filter((id) => !records.has(id)) : removedIds;
    const changes: RecordChange<ControlKind>[] = [];
    for (const id of gone) if (before.has(id)) changes.push({ id, before: before.get(id), after: undefined });
    for (const [id, record] of records)
      if (before.get(id)?.version !== record.version) changes.push({ id, before: before.get(id), after: record });
    for (const { id, after } of changes) {
      if (after === undefined) before.delete(id);
      else before.set(id, after);
    }
    this.#version = through;
    for (const [kind, watchers] of this.#watchers) {
      const ofKind = changes.filter(({ before: was, after }) => (after ?? was)?.control.kind === kind);
      if (ofKind.length > 0) for (const changed of watchers) changed(ofKind);
    }
  }
}

function isOfKind<Kind extends ControlKind>(
  record: ControlRecord,
  kind: Kind,
): record is ControlRecord<ControlOf<Kind>> & ControlRecord {
  return record.control.kind === kind;
}
