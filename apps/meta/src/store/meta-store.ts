/** What meta must not forget, and the port to where it is kept. */

import type { SlotTable } from "@rollcall/core";
import type { KnownMember } from "../membership/members.ts";

export interface MetaRecord {
  readonly clusterId: string;
  /** Version of the cluster state. */
  readonly version: number;
  readonly lastIncarnation: number;
  readonly members: readonly KnownMember[];
  readonly table: SlotTable;
}

/** Implementations are held to the same contract suite (test/meta-store-contract.ts). */
export interface MetaStore {
  /** The record as last written; undefined when none ever was. */
  read(): Promise<MetaRecord | undefined>;
  /** Replaces the record as a whole. When it resolves, the record survives a loss of power. One call at a time. */
  write(record: MetaRecord): Promise<void>;
  close(): Promise<void>;
}
