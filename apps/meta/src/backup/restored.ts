/**
 * What a meta with nothing in its store takes from a backup. The cluster is the one it was, with its id, its members and
 * the owners of its slots, so that data nodes keep what they have and nothing moves. But the backup is older than what was
 * lost, and nodes have seen epochs, versions and incarnations that are in no backup: each begins so far ahead that none
 * of them can have been reached.
 */

import { epoch, type Log } from "@rollcall/core";

import type { Leadership, MetaRecord, StoredControls } from "../store/meta-store.ts";

/** What is in a backup. */
export interface Backup {
  readonly record: MetaRecord;
  readonly controls: StoredControls;
}

/** More changes than a cluster sees between a backup and the loss of meta: one a second for eleven days. */
export const RESTORED_AHEAD = 1_000_000;

export function restoredFrom({ record, controls }: Backup): Backup {
  const { version, lastIncarnation, table } = record;
  return {
    record: {
      ...record,
      version: version + RESTORED_AHEAD,
      lastIncarnation: lastIncarnation + RESTORED_AHEAD,
      table: {
        epoch: epoch(table.epoch + RESTORED_AHEAD),
        owners: table.owners.map((owner) => ({ ...owner, leaderEpoch: epoch(owner.leaderEpoch + RESTORED_AHEAD) })),
      },
    },
    controls: { ...controls, version: controls.version + RESTORED_AHEAD },
  };
}

export interface RestorePorts {
  readonly leadership: Leadership;
  readonly log: Log;
  readonly readBackup?: (() => Promise<Backup>) | undefined;
}

/** Stores what is in the backup, if there is one: the records first, for with the cluster the store is not empty any more. */
export async function restore({ readBackup, leadership, log }: RestorePorts): Promise<MetaRecord | undefined> {
  if (readBackup === undefined) return undefined;
  const { record, controls } = restoredFrom(await readBackup());
  await leadership.writeControls(controls.version, controls.records);
  await leadership.write(record);
  const { clusterId, table } = record;
  log.warn("the cluster was restored from a backup", {
    cluster: clusterId,
    tableEpoch: table.epoch,
    controls: controls.records.size,
  });
  return record;
}
