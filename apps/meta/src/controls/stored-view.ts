/** Control records as they are stored, for a meta that does not lead and is asked about them. It only reads. */

import type { ControlChange, ControlRecord } from "@rollcall/core";

import type { StoredControls } from "../store/meta-store.ts";
import { ChangeLog, isChangeId } from "./change-log.ts";
import type { ControlCodec } from "./controls.ts";

/** What can be asked of any meta. What is left of a record's time may be a minute old where another one leads. */
export interface ReadableControls {
  readonly version: number;
  /** Those whose ids begin so, in the order of their ids. */
  list(prefix?: string): ControlRecord[];
  /** The newest, oldest of them first. */
  changes(limit?: number): ControlChange[];
}

export function viewOfStored({ version, records }: StoredControls, codec: ControlCodec): ReadableControls {
  const log = new ChangeLog(records, codec.changes);
  const ids = [...records.keys()].filter((id) => !isChangeId(id)).toSorted();
  return {
    version,
    list: (prefix = "") => ids.filter((id) => id.startsWith(prefix)).map((id) => codec.read(records.get(id)!)),
    changes: (limit) => log.list(limit),
  };
}
