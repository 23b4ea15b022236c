/**
 * What metas must not forget, and which of them may act. One port for both, because they belong together: a meta acts
 * only while it is leader, and whatever it writes is written under that leadership or not at all.
 *
 *     standing by --elected--> leading --deposed--> standing by        until the store is closed
 *
 * Implementations are held to the same contract suite (test/meta-store-contract.ts).
 */

import type { Member, SlotTable } from "@rollcall/core";
import type { KnownMember } from "../membership/members.ts";

/** The cluster as it was decided last. */
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

/** Control records as they are kept, by id, and the newest version that was given. */
export interface StoredControls {
  readonly version: number;
  readonly records: ReadonlyMap<string, string>;
}

/** A meta that may lead. */
export interface Candidate {
  readonly nodeId: string;
  /** `host:port` by which nodes and other metas reach it. */
  readonly address: string;
}

/** The right to act, for as long as it can be proved. */
export interface Leadership {
  /** Grows from leadership to leadership, whoever has it. */
  readonly epoch: number;
  /**
   * Whether nobody else can lead at this moment. Ask again after every pause: a process that stood still may have been
   * replaced meanwhile, and finds out here before it is told.
   */
  isValid(): boolean;
  /** The record as last written; undefined when none ever was. */
  read(): Promise<MetaRecord | undefined>;
  /**
   * Replaces the record as a whole. When it resolves, the record survives a loss of power. One call at a time. Rejects
   * without having written anything once somebody else may lead.
   */
  write(record: MetaRecord): Promise<void>;
  /** Replaces these control records, or takes out those that are undefined, all at once. As {@link write}. */
  writeControls(version: number, changes: ReadonlyMap<string, string | undefined>): Promise<void>;
}

/** What a meta is told of the store, until it closes it. */
export interface StoreListener {
  elected(leadership: Leadership): void;
  /** The leadership is over, or can be proved no longer. */
  deposed(why: string): void;
  /** Somebody leads, perhaps this meta itself; undefined while nobody is known to. */
  leaderChanged(leader: Candidate | undefined): void;
  /** Of a meta that does not lead: the leader has written. */
  recordChanged(record: MetaRecord): void;
}

export interface MetaStore {
  /**
   * Stands for leader from now on; called once. Rejects when the store is of no use at all, and not because it cannot be
   * reached at the moment.
   */
  stand(candidate: Candidate, listener: StoreListener): Promise<void>;
  /** The control records as last written, whoever leads. */
  readControls(): Promise<StoredControls>;
  /** Gives up leadership, so that another need not wait, and lets go of everything. Calling it again is fine. */
  close(): Promise<void>;
}
