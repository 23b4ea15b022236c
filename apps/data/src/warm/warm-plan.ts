/**
 * What has to be written: which claims and slots changed, and how that becomes batches. A mark says only where to look;
 * what there is to write is found out when it is written. So marks may come in any order and any number, for claims that
 * are gone or were replaced since, and writing what is true by then is always right.
 */

import { ALL_SLOTS, type ClaimRecord, type ServiceKey, type SlotId, type Version } from "@rollcall/core";

import type { ClaimName, SlotWrite } from "./warm-store.ts";

/** A claim as the datums know it. */
export interface WarmClaim {
  /** It is among the marks of its slot, so it need not be added. */
  isMarked: boolean;
  readonly service: { readonly key: ServiceKey; readonly keyText: string; readonly slot: SlotId };
  readonly instanceId: string;
  readonly clientId: string;
}

/** What this node holds at the moment of asking. */
export interface WarmSource {
  /** Undefined when nothing of the slot is to be kept. */
  versionOf(slot: SlotId): Version | undefined;
  claimsOf(slot: SlotId): Iterable<WarmClaim>;
  /**
   * The claim that has this one's service, instance and client now; undefined when there is none. Its instance is good
   * until anything changes.
   */
  recordOf(claim: WarmClaim): ClaimRecord | undefined;
  /** What the claims of the slot come to in bytes, about. */
  bytesOf(slot: SlotId): number;
}

/** Of a slot: the claims to look at, or all of it. */
export type SlotMarks = readonly WarmClaim[] | "whole";

/** With more marks than this a slot is written as a whole, so that marks cost no more than what they stand for. */
const SLOT_MARKS_MAX = 10_000;

/** Claims in a batch: what is encoded without a pause. At 2 us each, an event loop is held for 4 ms. */
export const BATCH_MAX = 2_000;

/** Bytes of instances in a batch, after which it is full. */
export const BATCH_BYTES_MAX = 1_024 * 1_024;

export class WarmMarks {
  #slots = new Map<SlotId, WarmClaim[] | "whole">();

  get isEmpty(): boolean {
    return this.#slots.size === 0;
  }

  claim(claim: WarmClaim): void {
    if (claim.isMarked) return;
    const { slot } = claim.service;
    const marks = this.#slots.get(slot);
    if (marks === "whole") return;
    if (marks !== undefined && marks.length >= SLOT_MARKS_MAX) {
      this.slot(slot);
      return;
    }
    claim.isMarked = true;
    if (marks === undefined) this.#slots.set(slot, [claim]);
    else marks.push(claim);
  }

  slot(slot: SlotId): void {
    this.#slots.set(slot, "whole");
  }

  everything(): void {
    for (const slot of ALL_SLOTS) this.slot(slot);
  }

  /** Hands over all marks, and has none. */
  take(): ReadonlyMap<SlotId, SlotMarks> {
    const taken = this.#slots;
    this.#slots = new Map();
    return taken;
  }
}

interface SlotWriteInMaking extends SlotWrite {
  readonly puts: SlotWrite["puts"][number][];
  readonly deletes: ClaimName[];
  ends: boolean;
  version: Version | undefined;
}

/**
 * The marks as batches, each made when it is asked for. A slot's version is that of the beginning and goes with the last
 * of the slot's claims, so what is kept is never older than its version says.
 */
export function* planBatches(
  marks: ReadonlyMap<SlotId, SlotMarks>,
  source: WarmSource,
): IterableIterator<readonly SlotWrite[]> {
  const versions = new Map([...marks.keys()].map((slot) => [slot, source.versionOf(slot)]));
  let batch: SlotWriteInMaking[] = [];
  let claims = 0;
  let bytes = 0;
  for (const [slot, marked] of marks) {
    const isWhole = marked === "whole";
    let write = slotWrite(slot, isWhole);
    batch.push(write);
    for (const claim of isWhole ? [...source.claimsOf(slot)] : marked) {
      if (claims >= BATCH_MAX || bytes >= BATCH_BYTES_MAX) {
        yield batch;
        write = slotWrite(slot, false);
        batch = [write];
        claims = 0;
        bytes = 0;
      }
      // What changes from now on is not in this batch any more.
      claim.isMarked = false;
      bytes += add(write, claim, source.recordOf(claim));
      claims++;
    }
    write.ends = isWhole;
    write.version = versions.get(slot);
  }
  if (batch.length > 0) yield batch;
}

function slotWrite(slot: SlotId, begins: boolean): SlotWriteInMaking {
  return { slot, begins, ends: false, puts: [], deletes: [], version: undefined };
}

function add(write: SlotWriteInMaking, { service, instanceId, clientId }: WarmClaim, claim?: ClaimRecord): number {
  const { keyText } = service;
  if (claim === undefined) write.deletes.push({ keyText, instanceId, clientId });
  else write.puts.push({ keyText, claim });
  return claim?.instance.length ?? 0;
}
