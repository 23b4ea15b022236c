/**
 * How many slots each node should lead, and how far it is from that. All that take part get the same, and what is left
 * over goes to those who lead most already, so that the fewest leads have to move. A node that is not steady takes none:
 * it only takes part while it leads more than its share would be. A draining node gives all that it has.
 */

import { Counts, type TableDraft } from "./table-draft.ts";

export interface LeadShares {
  /** By node id: leads it should give to others. */
  readonly tooMany: Counts<string>;
  /** By node id: leads it should get. As many, together, as others should give. */
  readonly tooFew: Counts<string>;
  readonly average: number;
  /** Between the node that leads most and the one that leads least. */
  readonly spread: number;
  /** Leads of draining nodes. */
  readonly draining: number;
}

export function leadShares(draft: TableDraft): LeadShares {
  const shares = { tooMany: new Counts<string>(), tooFew: new Counts<string>(), average: 0, spread: 0, draining: 0 };
  for (const { nodeId } of draft.nodes) {
    if (!draft.isDraining(nodeId)) continue;
    shares.tooMany.add(nodeId, draft.leadsOf(nodeId));
    shares.draining += draft.leadsOf(nodeId);
  }
  const nodeIds = takingPart(draft, shares.draining).toSorted(
    (one, other) => draft.leadsOf(other) - draft.leadsOf(one),
  );
  if (nodeIds.length === 0) return shares;
  const leads = nodeIds.map((nodeId) => draft.leadsOf(nodeId));
  const total = leads.reduce((sum, count) => sum + count, shares.draining);
  const share = Math.floor(total / nodeIds.length);
  const leftOver = total - share * nodeIds.length;
  for (const [index, nodeId] of nodeIds.entries()) {
    const excess = leads[index]! - (index < leftOver ? share + 1 : share);
    if (excess > 0) shares.tooMany.add(nodeId, excess);
    if (excess < 0) shares.tooFew.add(nodeId, -excess);
  }
  return { ...shares, average: total / nodeIds.length, spread: leads[0]! - leads.at(-1)! };
}

/** @param given leads that have to go to somebody: to nodes that are not steady when there are no others */
function takingPart(draft: TableDraft, given: number): readonly string[] {
  let taking = draft.staying;
  for (;;) {
    const average = taking.reduce((sum, { nodeId }) => sum + draft.leadsOf(nodeId), given) / taking.length;
    const still = taking.filter(({ nodeId, steady }) => steady || draft.leadsOf(nodeId) > average);
    if (still.length === 0 && given > 0) return draft.staying.map(({ nodeId }) => nodeId);
    if (still.length === taking.length) return taking.map(({ nodeId }) => nodeId);
    taking = still;
  }
}
