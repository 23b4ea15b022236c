/** Reading the warm copy when a node starts: the blocks of a slot in their order, and of each claim the last word. */

import type { SlotId, Version } from "@rollcall/core";
import type { ClaimBlock } from "@rollcall/protocol";

import type { StoredClaim } from "../warm/warm-store.ts";
import { BlockReader, DamagedEntry, slotRange } from "./level-warm-entries.ts";
import { reasonOf, type Level } from "./level-warm-folder.ts";

/** Blocks read at once, and their bytes: what is decoded without a pause. */
const READ_MAX = 1_000;
const READ_BYTES = 1_024 * 1_024;

/** What came of reading, while it goes on. */
export interface Tally {
  claims: number;
  damaged: number;
  /** The first thing that was wrong. */
  reason: string | undefined;
  readonly versions: Map<SlotId, Version>;
}

/** Gives the bytes of its blocks. Only what `take` throws is thrown. */
export async function readSlot(
  level: Level,
  slot: SlotId,
  take: (claim: StoredClaim) => void,
  tally: Tally,
): Promise<number> {
  const reader = new BlockReader(slot);
  const claims = new Map<string, ClaimBlock["puts"][number]>();
  const iterator = level.iterator({ ...slotRange(slot), highWaterMarkBytes: READ_BYTES });
  let bytes = 0;
  try {
    for (;;) {
      const entries = await iterator.nextv(READ_MAX).catch((thrown: unknown) => reasonOf(thrown));
      if (typeof entries === "string") tally.reason ??= `slot ${slot}: ${entries}`;
      if (typeof entries === "string" || entries.length === 0) break;
      for (const [key, value] of entries) {
        bytes += key.length + value.length;
        const block = blockOrDamage(reader, key, value);
        if (block instanceof DamagedEntry) {
          tally.damaged++;
          tally.reason ??= `slot ${slot}: ${block.message}`;
        } else {
          follow(block, claims);
          if (block.version !== undefined) tally.versions.set(slot, block.version);
        }
      }
    }
  } finally {
    await iterator.close();
  }
  for (const { keyText, claim } of claims.values()) take({ slot, key: reader.keyOf(keyText), keyText, claim });
  tally.claims += claims.size;
  return bytes;
}

function follow({ deletes, puts }: ClaimBlock, claims: Map<string, ClaimBlock["puts"][number]>): void {
  for (const { keyText, instanceId, clientId } of deletes) claims.delete(`${keyText} ${instanceId} ${clientId}`);
  for (const put of puts) claims.set(`${put.keyText} ${put.claim.instanceId} ${put.claim.clientId}`, put);
}

function blockOrDamage(reader: BlockReader, key: Buffer, value: Buffer): ClaimBlock | DamagedEntry {
  try {
    return reader.read(key, value);
  } catch (thrown) {
    if (thrown instanceof DamagedEntry) return thrown;
    throw thrown;
  }
}
