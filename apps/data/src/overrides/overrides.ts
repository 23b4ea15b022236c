/**
 * What operators have decided about instances, laid over what their providers have registered. Claims stay as they came:
 * what is kept, copied to followers and compared with sessions is the word of providers. Only what consumers are shown
 * passes through here, on every node that has the claim, so that whoever leads next shows the same.
 */

import {
  combineOverrides,
  digestOfBytes,
  hostOfAddress,
  overrideId,
  textFromServiceKey,
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
  readonly withChanges: (bytes: Uint8Array, changes: OverriddenAs["changes"]) => Uint8Array;
}

/** What may be shown otherwise than before. */
export interface Affected {
  readonly instances: readonly { readonly key: ServiceKey; readonly instanceId: string }[];
  /** Addresses, and hosts of addresses. */
  readonly addresses: ReadonlySet<string>;
}

/** An override and the version at which it was decided. */
export interface Decided {
  readonly version: number;
  readonly control: InstanceOverride;
}

export class Overrides implements Showing {
  readonly #bytes: InstanceBytes;
  readonly #decided = new Map<string, Decided>();
  /** By service and instance. */
  readonly #byInstance = new Map<string, InstanceOverride>();
  readonly #byAddress = new Map<string, InstanceOverride>();

  constructor(bytes: InstanceBytes) {
    this.#bytes = bytes;
  }

  get size(): number {
    return this.#decided.size;
  }

  /** Takes on all that is decided now, in place of what was before. Gives what that may change. */
  adopt(decided: Iterable<Decided>): Affected {
    const changed: InstanceOverride[] = [];
    const left = new Map(this.#decided);
    for (const each of decided) {
      const id = overrideId(each.control);
      const before = left.get(id);
      left.delete(id);
      if (before?.version === each.version) continue;
      this.#decided.set(id, each);
      this.#indexOf(each.control).set(nameOf(each.control), each.control);
      changed.push(each.control);
    }
    for (const [id, { control }] of left) {
      this.#decided.delete(id);
      this.#indexOf(control).delete(nameOf(control));
      changed.push(control);
    }
    return affectedBy(changed);
  }

  of(claim: Claim): StoredInstance | undefined {
    if (this.#decided.size === 0) return claim;
    const effects = this.#effectsOn(claim);
    if (effects.length === 0) return claim;
    const { drained, changes } = combineOverrides(effects);
    if (drained) return undefined;
    const bytes = this.#bytes.withChanges(claim.bytes, changes);
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
