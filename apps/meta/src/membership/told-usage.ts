/**
 * What each data node has registered in namespaces with a quota, as the nodes say with their heartbeats, put together for
 * the others. Two nodes that go by different slot tables may both count a slot, or neither: then nothing is told.
 */

import { memberKey, type Member, type NamespaceUsage, type UsageReport } from "@rollcall/core";

export class ToldUsage {
  /** By node, in its present life. */
  readonly #reports = new Map<string, { readonly key: string; readonly report: UsageReport }>();

  report(member: Member, report: UsageReport): void {
    this.#reports.set(member.nodeId, { key: memberKey(member), report });
  }

  /** What all other data nodes have together, by the slot table of this one; undefined while that is not known of each. */
  elsewhere({ nodeId }: Member, members: readonly Member[]): UsageReport | undefined {
    const tableEpoch = this.#reports.get(nodeId)?.report.tableEpoch;
    const data = members.filter(({ role }) => role === "data");
    const nodeIds = new Set(data.map((member) => member.nodeId));
    for (const known of this.#reports.keys()) if (known !== nodeId && !nodeIds.has(known)) this.#reports.delete(known);
    const sums = new Map<string, NamespaceUsage>();
    for (const member of data) {
      if (member.nodeId === nodeId) continue;
      const reported = this.#reports.get(member.nodeId);
      if (reported?.key !== memberKey(member) || reported.report.tableEpoch !== tableEpoch) return undefined;
      for (const usage of reported.report.namespaces) sums.set(usage.namespace, sum(usage, sums.get(usage.namespace)));
    }
    return tableEpoch === undefined ? undefined : { tableEpoch, namespaces: [...sums.values()] };
  }
}

function sum(usage: NamespaceUsage, other: NamespaceUsage | undefined): NamespaceUsage {
  if (other === undefined) return usage;
  const { namespace, instances, services } = usage;
  return { namespace, instances: instances + other.instances, services: services + other.services };
}
