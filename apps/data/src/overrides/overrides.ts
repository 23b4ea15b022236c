/**
 * What operators have decided about instances, and what probes have found out, laid over what their providers have
 * registered. Claims stay as they came:
 * what is kept, copied to followers and compared with sessions is the word of providers. Only what consumers are shown
 * passes through here, on every node that has the claim, so that whoever leads next shows the same.
 */

import {
  combineOverrides,
  digestOfBytes,
  hostOfAddress,
  textFromServiceKey,
  type Instance,
  type InstanceOverride,
  type OverriddenAs,
  type OverrideEffect,
  type ServiceKey,
  type StoredInstance,
} from "@rollcall/core";

import type { Claim } from "../datums/claim.ts";
import type { DatumStore } from "../datums/datum-store.ts";
import type { Showing } from "../datums/registered-service.ts";
import type { InstanceHere } from "../notify/reshowing.ts";

/** Reads and changes encoded instances. */
export interface InstanceBytes {
  readonly addressOf: (bytes: Uint8Array) => string;
  /** The same with other fields. Equal bytes and equal changes give equal bytes. */
  readonly withChanges: (
    bytes: Uint8Array,
    changes: OverriddenAs["changes"] & Partial<Pick<Instance, "health">>,
  ) => Uint8Array;
}

/** What may be shown otherwise than before. */
export interface Affected {
  readonly instances: readonly { readonly key: ServiceKey; readonly instanceId: string }[];
  /** Addresses, and hosts of addresses. */
  readonly addresses: ReadonlySet<string>;
}

/** A decision that is other than before; undefined where there was none, or is none any more. */
export interface OverrideChange {
  readonly before: { readonly control: InstanceOverride } | undefined;
  readonly after: { readonly control: InstanceOverride } | undefined;
}

export class Overrides implements Showing {
  readonly #bytes: InstanceBytes;
  /** By service and instance. */
  readonly #byInstance = new Map<string, InstanceOverride>();
  readonly #byAddress = new Map<string, InstanceOverride>();

  constructor(bytes: InstanceBytes) {
    this.#bytes = bytes;
  }

  get size(): number {
    return this.#byInstance.size + this.#byAddress.size;
  }

  /** Takes on what is decided now. Gives what that may change. */
  change(changes: readonly OverrideChange[]): Affected {
    const controls = changes.map(({ before, after }) => ({ before: before?.control, after: after?.control }));
    for (const { before } of controls) if (before !== undefined) this.#indexOf(before).delete(nameOf(before));
    for (const { after } of controls) if (after !== undefined) this.#indexOf(after).set(nameOf(after), after);
    return affectedBy(controls.flatMap(({ before, after }) => after ?? before ?? []));
  }

  of(claim: Claim): StoredInstance | undefined {
    const effects = this.size === 0 ? [] : this.#effectsOn(claim);
    if (effects.length === 0 && !claim.unhealthy) return claim;
    const { drained, changes } = combineOverrides(effects);
    if (drained) return undefined;
    const bytes = this.#bytes.withChanges(claim.bytes, claim.unhealthy ? { ...changes, health: "unhealthy" } : changes);
    return { id: claim.id, bytes, digest: digestOfBytes(bytes) };
  }

  /** The instances here that are affected. None may change until all are known. */
  affectedIn(datums: DatumStore, { instances, addresses }: Affected): InstanceHere[] {
    const here: InstanceHere[] = [];
    for (const { key, instanceId } of instances) {
      const service = datums.find(key);
      if (service !== undefined) here.push({ service, instanceId });
    }
    if (addresses.size === 0) return here;
    for (const claim of datums.claims())
      if (!claim.removed && this.#isAt(claim, addresses)) here.push({ service: claim.service, instanceId: claim.id });
    return here;
  }

  #isAt(claim: Claim, addresses: ReadonlySet<string>): boolean {
    const address = this.#bytes.addressOf(claim.bytes);
    return addresses.has(address) || addresses.has(hostOfAddress(address));
  }

  /** The narrower ones first. */
  #effectsOn(claim: Claim): OverrideEffect[] {
    const effects: OverrideEffect[] = [];
    const ofInstance = this.#byInstance.get(`${claim.service.keyText} ${claim.instanceId}`);
    if (ofInstance !== undefined && (ofInstance.clientId ?? claim.clientId) === claim.clientId)
      effects.push(ofInstance.effect);
    if (this.#byAddress.size === 0) return effects;
    const address = this.#bytes.addressOf(claim.bytes);
    for (const name of [address, hostOfAddress(address)]) {
      const there = this.#byAddress.get(name);
      if (there !== undefined) effects.push(there.effect);
    }
    return effects;
  }

  #indexOf({ target }: InstanceOverride): Map<string, InstanceOverride> {
    return target.kind === "instance" ? this.#byInstance : this.#byAddress;
  }
}

function nameOf({ target }: InstanceOverride): string {
  return target.kind === "instance" ? `${textFromServiceKey(target.key)} ${target.instanceId}` : target.address;
}

function affectedBy(changed: readonly InstanceOverride[]): Affected {
  const targets = changed.map(({ target }) => target);
  return {
    instances: targets.filter((target) => target.kind === "instance"),
    addresses: new Set(targets.flatMap((target) => (target.kind === "address" ? [target.address] : []))),
  };
}
