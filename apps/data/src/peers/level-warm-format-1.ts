/**
 * How the warm copy lay in LevelDB at first, and how that becomes blocks. Each slot was its version and a claim each:
 *
 *     01 slot                                                     [leader epoch, counter]
 *     01 slot "namespace/group/service" 00 instance 00 client     the claim, as it also goes over the wire
 */

import { ALL_SLOTS, epoch, type ClaimRecord, type SlotId, type Version } from "@rollcall/core";
import { bytesFromClaimBlock, claimFromBytes } from "@rollcall/protocol";
import { z } from "zod";

import { blockKey, orDamaged, sealed, slotRange, unsealed } from "./level-warm-entries.ts";
import type { Level } from "./level-warm-folder.ts";

const SLOT_PREFIX_BYTES = 2;
/** A name begins with a letter or a digit; a block's key goes on with a life, which has not come that far. */
const NAMES_FROM = 0x20;
/** Claims in a block. */
const BLOCK_MAX = 500;

const versionForm = z.tuple([z.int().nonnegative(), z.int().nonnegative()]);

/** A slot at a time, so that one that a crash leaves behind is either as it was or done. @throws DamagedEntry */
export async function blocksFromClaims(level: Level): Promise<void> {
  for (const slot of ALL_SLOTS) await convertSlot(level, slot);
}

async function convertSlot(level: Level, slot: SlotId): Promise<void> {
  const batch = level.batch();
  let version: Version | undefined;
  let puts: { keyText: string; claim: ClaimRecord }[] = [];
  let blocks = 0;
  const addBlock = (): void => {
    const key = blockKey(slot, 0, ++blocks);
    batch.put(key, sealed(key, bytesFromClaimBlock({ version, deletes: [], puts })));
    puts = [];
  };
  for await (const [key, value] of level.iterator(slotRange(slot))) {
    if (key.length === SLOT_PREFIX_BYTES) version = versionFrom(key, value);
    else if (key[SLOT_PREFIX_BYTES]! >= NAMES_FROM) puts.push(claimFrom(key, value));
    else continue;
    batch.del(key);
    if (puts.length === BLOCK_MAX) addBlock();
  }
  if (puts.length > 0 || version !== undefined) addBlock();
  await batch.write();
}

function versionFrom(key: Buffer, value: Buffer): Version {
  const body = unsealed(key, value);
  const [leaderEpoch, counter] = orDamaged(() => versionForm.parse(JSON.parse(body.toString())));
  return { epoch: epoch(leaderEpoch), counter };
}

function claimFrom(key: Buffer, value: Buffer): { keyText: string; claim: ClaimRecord } {
  const body = unsealed(key, value);
  const keyText = key.toString("latin1", SLOT_PREFIX_BYTES, key.indexOf(0, SLOT_PREFIX_BYTES));
  return { keyText, claim: orDamaged(() => claimFromBytes(body)) };
}
