/** The record as JSON, the same in every store. */

import { RegistryError, SLOT_COUNT, epoch } from "@rollcall/core";
import { z } from "zod";

import type { MetaRecord } from "../store/meta-store.ts";

/** Raised when the form of the record changes; an older form is then read by its own schema. */
const FORMAT = 1;

const count = z.number().int().nonnegative();
const member = z.object({
  nodeId: z.string(),
  role: z.enum(["session", "data", "meta"]),
  address: z.string(),
  incarnation: count,
  draining: z.boolean().optional(),
  unsteady: z.boolean().optional(),
  zone: z.string().optional(),
  software: z.string().optional(),
  unreachableFrom: z.array(z.string()).optional(),
});
const storedRecord = z.object({
  format: z.literal(FORMAT),
  clusterId: z.string().min(1),
  version: count,
  lastIncarnation: count,
  members: z.array(member.extend({ startId: z.string() })),
  // Records that were written before there was such a list have none.
  departed: z.array(member).default([]),
  table: z.object({
    epoch: count,
    owners: z
      .array(z.object({ leader: z.string().optional(), followers: z.array(z.string()), leaderEpoch: count }))
      .length(SLOT_COUNT),
  }),
});

export function storedFromRecord(record: MetaRecord): unknown {
  return { format: FORMAT, ...record };
}

/** @throws RegistryError `unavailable` naming the part that cannot be read. */
export function recordFromStored(stored: unknown): MetaRecord {
  const parsed = storedRecord.safeParse(stored);
  if (!parsed.success) {
    throw new RegistryError(
      "unavailable",
      `meta's store holds a record that this version cannot read: ${z.prettifyError(parsed.error)}`,
    );
  }
  const { format: _format, table, ...rest } = parsed.data;
  return {
    ...rest,
    table: {
      epoch: epoch(table.epoch),
      owners: table.owners.map(({ leader, followers, leaderEpoch }) => ({
        leader,
        followers,
        leaderEpoch: epoch(leaderEpoch),
      })),
    },
  };
}
