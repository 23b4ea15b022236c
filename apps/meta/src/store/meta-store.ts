/** What meta must not forget, and the port to where it is kept. */

import type { Member, SlotTable } from "@rollcall/core";
import type { KnownMember } from "../membership/members.ts";

export interface MetaRecord {
  readonly clusterId: string;
  /** Version of the cluster state. */
  readonly version: number;
  readonly lastIncarnation: number;
  readonly members: readonly KnownMember[];
  /** Sessions that went not long ago. */
  readonly departed: readonly Member[];
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
