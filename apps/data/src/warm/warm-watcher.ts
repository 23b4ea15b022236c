/** Joins the warm copy to the datums: what changes there is marked, what the marks stand for is looked up there. */

import type { ClaimRecord, SlotId, Version } from "@rollcall/core";

import { Claim, recordOfClaim } from "../datums/claim.ts";
import type { DatumStore } from "../datums/datum-store.ts";
import type { SlotWatcher } from "../storage.ts";
import type { WarmCopy } from "./warm-copy.ts";
import type { WarmClaim, WarmSource } from "./warm-plan.ts";

export function warmSourceOf(datums: DatumStore): WarmSource {
  return {
    // Only of what is complete: after a restart it counts as all there was but for the last moments.
    versionOf(slot: SlotId): Version | undefined {
      const content = datums.of(slot);
      return content?.wasComplete === true ? content.version : undefined;
    },
    claimsOf: (slot: SlotId): Iterable<WarmClaim> => datums.of(slot)?.claims() ?? [],
    recordOf(marked: WarmClaim): ClaimRecord | undefined {
      const claim = presentOf(datums, marked);
      return claim && recordOfClaim(claim, claim.bytes);
    },
    bytesOf: (slot: SlotId): number => datums.of(slot)?.claimBytes ?? 0,
  };
}

/** The claim itself, nearly always. One that was let go of may have a successor. */
function presentOf(datums: DatumStore, marked: WarmClaim): Claim | undefined {
  if (marked instanceof Claim && !marked.isReleased) return marked;
  const { service, instanceId, clientId } = marked;
  return datums.of(service.slot)?.find(service.keyText)?.find(instanceId, clientId);
}

export function warmWatcherOf(copy: WarmCopy): SlotWatcher {
  return {
    changed: (claim: Claim) => copy.changed(claim),
    discarded: (claim: Claim) => copy.changed(claim),
    ownershipChanged: () => {},
    completed: (slot: SlotId) => copy.slotChanged(slot),
    dropped: (slot: SlotId) => copy.slotChanged(slot),
  };
}
