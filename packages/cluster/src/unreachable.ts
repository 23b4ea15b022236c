/**
 * Whom a node cannot reach. A link that is lost is dialed again and again; when nobody has answered for a while although
 * meta still counts the other one as a member, something is wrong with its address or with the way there. Meta is told,
 * and tells whom it concerns.
 */

import type { LastingLink } from "./lasting-link.ts";

/** How long nobody may answer, in milliseconds: longer than the lease of a node that has died. */
const UNREACHABLE_MS = 5_000;

/** Ids of the nodes to which these links lead in vain. */
export function unreachableBy(links: Iterable<readonly [nodeId: string, link: LastingLink]>, now: number): string[] {
  const isLost = ({ lostSince }: LastingLink): boolean => lostSince !== undefined && now - lostSince >= UNREACHABLE_MS;
  return [...links].filter(([, link]) => isLost(link)).map(([nodeId]) => nodeId);
}
