/** The record of a single meta in LevelDB: one key, replaced by synced writes, so that it is whole after any crash. */

import { RegistryError, SLOT_COUNT, epoch, type SlotTable } from "@rollcall/core";
import { ClassicLevel } from "classic-level";
import { z } from "zod";

import type { MetaRecord, MetaStore } from "../store/meta-store.ts";

const RECORD_KEY = "cluster";

/** Raised when the form of the record changes; an older form is then read by its own schema. */
const FORMAT = 1;

const count = z.number().int().nonnegative();
const member = z.object({
  nodeId: z.string(),
  role: z.enum(["session", "data", "meta"]),
  address: z.string(),
  incarnation: count,
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

export class LevelMetaStore implements MetaStore {
  readonly #level: ClassicLevel<string, unknown>;

  private constructor(level: ClassicLevel<string, unknown>) {
    this.#level = level;
  }

  /** @throws RegistryError `unavailable` when the folder cannot be used, with what to do about it. */
  static async open(folder: string): Promise<LevelMetaStore> {
    const level = new ClassicLevel<string, unknown>(folder, { valueEncoding: "json" });
    try {
      await level.open();
    } catch (cause) {
      throw new RegistryError(
        "unavailable",
        `meta's store in ${JSON.stringify(folder)} cannot be opened: ${reasonOf(cause)}`,
        { cause },
      );
    }
    return new LevelMetaStore(level);
  }

  async read(): Promise<MetaRecord | undefined> {
    const stored = await this.#level.get(RECORD_KEY).catch((cause: unknown) => {
      throw new RegistryError("unavailable", `meta's store cannot be read: ${reasonOf(cause)}`, { cause });
    });
    if (stored === undefined) return undefined;
    const parsed = storedRecord.safeParse(stored);
    if (!parsed.success) {
      throw new RegistryError(
        "unavailable",
        `meta's store holds a record that this version cannot read: ${z.prettifyError(parsed.error)}`,
      );
    }
    const { format: _format, table, ...rest } = parsed.data;
    return { ...rest, table: tableFromStored(table) };
  }

  async write(record: MetaRecord): Promise<void> {
    await this.#level.put(RECORD_KEY, { format: FORMAT, ...record }, { sync: true });
  }

  async close(): Promise<void> {
    await this.#level.close();
  }
}

function tableFromStored(stored: z.infer<typeof storedRecord>["table"]): SlotTable {
  return {
    epoch: epoch(stored.epoch),
    owners: stored.owners.map(({ leader, followers, leaderEpoch }) => ({
      leader,
      followers,
      leaderEpoch: epoch(leaderEpoch),
    })),
  };
}

/** The library wraps the cause that an operator needs: a lock held, a permission missing, a file damaged. */
function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause instanceof Error ? thrown.cause.message : thrown.message;
}
