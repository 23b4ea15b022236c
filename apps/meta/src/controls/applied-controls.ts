/**
 * By which version of the control records each node acts, as the nodes say with their heartbeats. Whoever has decided
 * something can so ask whether it counts everywhere. Nothing here is stored: nodes say it anew to a meta that has just
 * become leader, and until then they count as behind.
 */

import { memberKey, type Member } from "@rollcall/core";

export interface MemberBehind {
  readonly member: Member;
  /** By which it acts; undefined when it has not said so. */
  readonly version: number | undefined;
}

export class AppliedControls {
  /** By node, in its present life. */
  readonly #applied = new Map<string, { readonly key: string; readonly version: number }>();

  report(member: Member, version: number): void {
    const key = memberKey(member);
    const known = this.#applied.get(member.nodeId);
    // Words of one life may overtake each other.
    if (known?.key === key && known.version >= version) return;
    this.#applied.set(member.nodeId, { key, version });
  }

  /** The members that do not act by everything up to `version`. Metas act by what they decide. */
  behind(version: number, members: readonly Member[]): MemberBehind[] {
    const nodeIds = new Set(members.map(({ nodeId }) => nodeId));
    for (const nodeId of this.#applied.keys()) if (!nodeIds.has(nodeId)) this.#applied.delete(nodeId);
    return members
      .filter(({ role }) => role !== "meta")
      .map((member) => ({ member, version: this.#of(member) }))
      .filter(({ version: applied }) => applied === undefined || applied < version);
  }

  #of(member: Member): number | undefined {
    const known = this.#applied.get(member.nodeId);
    return known?.key === memberKey(member) ? known.version : undefined;
  }
}
