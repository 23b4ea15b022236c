/** Claims to write into a warm copy, and what is read back, in a form that a test can compare. */

import {
  epoch,
  serviceKeyFromText,
  slotOfText,
  type ClaimRecord,
  type Log,
  type LogFields,
  type SlotId,
  type Version,
} from "@rollcall/core";

import type { WarmClaim } from "../src/warm/warm-plan.ts";
import type { LoadReport, SlotWrite, StoredClaim, WarmBatch, WarmStore } from "../src/warm/warm-store.ts";

export const CLUSTER = "c0ffee";

export const versionAt = (counter: number): Version => ({ epoch: epoch(3), counter });

export function claimOf(instanceId: string, counter = 1, change: Partial<ClaimRecord> = {}): ClaimRecord {
  return {
    instanceId,
    clientId: "client-1",
    version: { incarnation: 7, counter },
    removed: false,
    presumed: false,
    unhealthy: false,
    instance: new TextEncoder().encode(`${instanceId} as of ${counter}, ${"and so on ".repeat(10)}`),
    session: "session-1@4",
    leaseMs: 0,
    ...change,
  };
}

export function stored(keyText: string, claim: ClaimRecord): StoredClaim {
  return { slot: slotOfText(keyText), key: serviceKeyFromText(keyText), keyText, claim };
}

/** The first names `default/default/<prefix>-<n>` of services that lie in the slot. */
export function servicesIn(slot: SlotId, count: number, prefix = "service"): string[] {
  const found: string[] = [];
  for (let n = 0; found.length < count; n++) {
    const keyText = `default/default/${prefix}-${n}`;
    if (slotOfText(keyText) === slot) found.push(keyText);
  }
  return found;
}

export function slotWrite(slot: SlotId, change: Partial<SlotWrite>): SlotWrite {
  return { slot, begins: false, ends: false, puts: [], deletes: [], version: undefined, ...change };
}

/** A write of the slot as a whole. */
export function wholeWrite(slot: SlotId, change: Partial<SlotWrite> = {}): SlotWrite {
  return slotWrite(slot, { begins: true, ends: true, ...change });
}

/** A batch that puts claims of any services. */
export function putsOf(claims: readonly StoredClaim[], version?: Version): WarmBatch {
  const bySlot = Map.groupBy(claims, ({ slot }) => slot);
  return {
    clusterId: CLUSTER,
    slots: [...bySlot].map(([slot, puts]) => slotWrite(slot, { puts, version })),
  };
}

/** A batch that deletes claims of any services. */
export function deletesOf(claims: readonly StoredClaim[]): WarmBatch {
  const bySlot = Map.groupBy(claims, ({ slot }) => slot);
  return {
    clusterId: CLUSTER,
    slots: [...bySlot].map(([slot, gone]) =>
      slotWrite(slot, { deletes: gone.map(({ keyText, claim }) => ({ keyText, ...claim })) }),
    ),
  };
}

export const identityOf = ({ keyText, claim }: StoredClaim): string =>
  `${keyText} ${claim.instanceId} ${claim.clientId}`;

/** One line that says all of a claim. */
export const lineOf = (it: StoredClaim): string => {
  const { version, removed, presumed, instance, session, leaseMs } = it.claim;
  const text = new TextDecoder().decode(instance);
  return `${it.slot} ${identityOf(it)} ${version.incarnation}.${version.counter} ${removed} ${presumed} ${session} ${leaseMs} ${text}`;
};

export const linesOf = (claims: Iterable<StoredClaim>): string[] => [...claims].map(lineOf).toSorted();

export async function loadAll(store: WarmStore): Promise<{ claims: StoredClaim[]; report: LoadReport }> {
  const claims: StoredClaim[] = [];
  const report = await store.load((claim) => claims.push(claim));
  return { claims, report };
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

export function keptLog(): Log & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}) =>
      void lines.push({ level, message, fields });
  return { lines, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** What a data node would hold, as simple as can be. */
export class HeldContent {
  readonly versions = new Map<SlotId, Version>();
  readonly #claims = new Map<string, { readonly warm: WarmClaim; stored: StoredClaim }>();

  /** Gives back the claim as the datums would hand it to the copy: one object for as long as the claim is there. */
  put(claim: StoredClaim): WarmClaim {
    const held = this.#claims.get(identityOf(claim)) ?? { warm: warmClaimOf(claim), stored: claim };
    held.stored = claim;
    this.#claims.set(identityOf(claim), held);
    const counter = (this.versions.get(claim.slot)?.counter ?? 0) + 1;
    this.versions.set(claim.slot, versionAt(counter));
    return held.warm;
  }

  delete(claim: StoredClaim): WarmClaim {
    const held = this.#claims.get(identityOf(claim));
    this.#claims.delete(identityOf(claim));
    return held?.warm ?? warmClaimOf(claim);
  }

  dropSlot(slot: SlotId): void {
    this.versions.delete(slot);
    for (const claim of this.claims()) if (claim.slot === slot) this.delete(claim);
  }

  claims(): StoredClaim[] {
    return [...this.#claims.values()].map((held) => held.stored);
  }

  versionOf(slot: SlotId): Version | undefined {
    return this.versions.get(slot);
  }

  claimsOf(slot: SlotId): WarmClaim[] {
    return [...this.#claims.values()].map(({ warm }) => warm).filter(({ service }) => service.slot === slot);
  }

  bytesOf(slot: SlotId): number {
    return this.claims()
      .filter((claim) => claim.slot === slot)
      .reduce((sum, claim) => sum + identityOf(claim).length + claim.claim.instance.length, 0);
  }

  recordOf({ service, instanceId, clientId }: WarmClaim): ClaimRecord | undefined {
    return this.#claims.get(`${service.keyText} ${instanceId} ${clientId}`)?.stored.claim;
  }
}

function warmClaimOf({ key, keyText, slot, claim }: StoredClaim): WarmClaim {
  return { isMarked: false, service: { key, keyText, slot }, instanceId: claim.instanceId, clientId: claim.clientId };
}
