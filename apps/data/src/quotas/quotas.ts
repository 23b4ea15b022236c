/**
 * How much is registered in namespaces that have a quota, and whether more may be. A leader counts what is shown in its
 * slots, as it changes; what other leaders have it hears from meta about as often as it says its own. So nobody is asked
 * when something is registered: it is judged by what is known at that moment, exactly of what this node leads, and as of a
 * moment ago of the rest. Where the rest is not known, because slots are on the move, it counts as nothing: rather is there
 * a little more than allowed than something refused that there is room for.
 *
 * Only what is new is judged, and only by a leader that has everything of the slot. To one that takes over, what comes new
 * was there before.
 */

import {
  limitExceeded,
  slotOfServiceKey,
  type NamespaceUsage,
  type Quota,
  type RegistryError,
  type SlotId,
  type UsageReport,
  type Write,
} from "@rollcall/core";

import type { Claim } from "../datums/claim.ts";
import type { DatumStore } from "../datums/datum-store.ts";
import type { RegisteredService } from "../datums/registered-service.ts";
import type { SlotOwnership } from "../slots/ownership.ts";
import type { SlotWatcher } from "../storage.ts";

interface Usage {
  instances: number;
  services: number;
}

const NOTHING: Readonly<Usage> = { instances: 0, services: 0 };

export class Quotas implements SlotWatcher {
  readonly #datums: DatumStore;
  readonly #ownership: Pick<SlotOwnership, "of" | "leads" | "tableEpoch">;
  readonly #quotas = new Map<string, Quota>();
  /** Of namespaces with a quota, what is shown in the slots that this node leads. */
  readonly #usage = new Map<string, Usage>();
  /** What of that is each service's. */
  readonly #counted = new Map<RegisteredService, number>();
  #isCounted = true;
  #elsewhere: UsageReport | undefined;
  #refused = 0;

  constructor(datums: DatumStore, ownership: Pick<SlotOwnership, "of" | "leads" | "tableEpoch">) {
    this.#datums = datums;
    this.#ownership = ownership;
  }

  /** Registrations that were refused, ever. */
  get refused(): number {
    return this.#refused;
  }

  /** Takes on what is decided, in place of what was before. */
  adopt(quotas: readonly Quota[]): void {
    this.#quotas.clear();
    for (const quota of quotas) this.#quotas.set(quota.namespace, quota);
    this.#isCounted = false;
  }

  /** What the other leaders have, as meta has put it together. */
  told(elsewhere: UsageReport): void {
    this.#elsewhere = elsewhere;
  }

  /** What this node has, for meta, of namespaces of which it has anything; undefined while there is no quota. */
  report(): UsageReport | undefined {
    if (this.#quotas.size === 0) return undefined;
    const namespaces = [...this.#quotas.keys()]
      .map((namespace) => ({ namespace, ...this.#here(namespace) }))
      .filter(({ instances }) => instances > 0);
    return { tableEpoch: this.#ownership.tableEpoch, namespaces };
  }

  /** Why a registration is not taken; undefined when it is. */
  refusal({ key, instanceId, clientId }: Write): RegistryError | undefined {
    const quota = this.#quotas.get(key.namespace);
    if (quota === undefined || this.#ownership.of(slotOfServiceKey(key)).kind !== "leading") return undefined;
    const service = this.#datums.find(key);
    const known = service?.find(instanceId, clientId);
    if ((known !== undefined && !known.removed) || service?.datum.get(instanceId) !== undefined) return undefined;
    const [here, elsewhere] = [this.#here(key.namespace), this.#thereOf(key.namespace)];
    const instances = here.instances + elsewhere.instances + 1;
    const services = here.services + elsewhere.services + ((service?.datum.size ?? 0) === 0 ? 1 : 0);
    const refusal =
      overLimit(`instances of namespace ${key.namespace}`, quota.instances, instances) ??
      overLimit(`services of namespace ${key.namespace}`, quota.services, services);
    if (refusal !== undefined) this.#refused++;
    return refusal;
  }

  changed({ service }: Claim): void {
    if (this.#quotas.size > 0 && this.#isCounted) this.#count(service);
  }

  discarded(claim: Claim): void {
    this.changed(claim);
  }

  ownershipChanged(): void {
    this.#isCounted = false;
  }

  completed(): void {}

  dropped(_slot: SlotId): void {
    this.#isCounted = false;
  }

  #here(namespace: string): Readonly<Usage> {
    if (!this.#isCounted) this.#countAll();
    return this.#usage.get(namespace) ?? NOTHING;
  }

  /** What was said by another slot table may be of slots that are this node's by now. */
  #thereOf(namespace: string): Readonly<Usage> {
    if (this.#elsewhere?.tableEpoch !== this.#ownership.tableEpoch) return NOTHING;
    return this.#elsewhere.namespaces.find((usage: NamespaceUsage) => usage.namespace === namespace) ?? NOTHING;
  }

  #countAll(): void {
    this.#isCounted = true;
    this.#usage.clear();
    this.#counted.clear();
    for (const content of this.#datums.slots())
      if (this.#ownership.leads(content.slot)) for (const service of content.services()) this.#count(service);
  }

  #count(service: RegisteredService): void {
    const { namespace } = service.key;
    if (!this.#quotas.has(namespace) || !this.#ownership.leads(service.slot)) return;
    const before = this.#counted.get(service) ?? 0;
    const { size } = service.datum;
    if (size === before) return;
    const usage = this.#usage.get(namespace) ?? { ...NOTHING };
    usage.instances += size - before;
    usage.services += Math.sign(size) - Math.sign(before);
    this.#usage.set(namespace, usage);
    if (size === 0) this.#counted.delete(service);
    else this.#counted.set(service, size);
  }
}

function overLimit(what: string, limit: number | undefined, value: number): RegistryError | undefined {
  return limit !== undefined && value > limit ? limitExceeded(what, `${limit}`, value) : undefined;
}
