/** What this node has of slots, whether it leads them, follows them, or is about to let go of them. */

import {
  ByteStore,
  EMPTY_DIGEST,
  assert,
  epoch,
  slotOfServiceKey,
  textFromServiceKey,
  type ClaimRecord,
  type Epoch,
  type Held,
  type ServiceKey,
  type ServiceSummary,
  type SlotId,
  type Version,
} from "@rollcall/core";

import type { Claim } from "./claim.ts";
import { Names } from "./names.ts";
import { AS_REGISTERED, type RegisteredService, type Showing } from "./registered-service.ts";
import { SlotContent, type ClaimWatcher, type SharedMemory } from "./slot-content.ts";

const BEFORE_ANY: Version = { epoch: epoch(0), counter: 0 };

export class DatumStore {
  readonly #watcher: ClaimWatcher;
  readonly #memory: SharedMemory;
  readonly #slots = new Map<SlotId, SlotContent>();

  /** @param watcher hears of every change of a claim; not of slots that are dropped as a whole */
  constructor(watcher: ClaimWatcher, showing: Showing = AS_REGISTERED) {
    this.#watcher = watcher;
    this.#memory = { bytes: new ByteStore(), names: new Names(), showing };
  }

  slots(): IterableIterator<SlotContent> {
    return this.#slots.values();
  }

  of(slot: SlotId): SlotContent | undefined {
    return this.#slots.get(slot);
  }

  /** The content of a slot; nothing, at `version`, when this node has had none. */
  open(slot: SlotId, version: Version = BEFORE_ANY): SlotContent {
    const known = this.#slots.get(slot);
    if (known !== undefined) return known;
    const content = new SlotContent(slot, version, this.#memory, this.#watcher);
    this.#slots.set(slot, content);
    return content;
  }

  /** Begins to lead a slot with what there is of it, which is of an older epoch. */
  lead(slot: SlotId, leaderEpoch: Epoch): SlotContent {
    const content = this.open(slot);
    content.lead(leaderEpoch);
    return content;
  }

  drop(slot: SlotId): void {
    for (const service of this.#slots.get(slot)?.services() ?? []) service.releaseAll();
    this.#slots.delete(slot);
  }

  /** Takes a claim that an earlier life of this node has left. The slot's version comes with {@link restored}. */
  restore(slot: SlotId, key: ServiceKey, claim: ClaimRecord): void {
    const content = this.open(slot);
    content.take([{ key, claims: [claim] }], content.version);
  }

  /** All of it has been taken. What has no version was not complete when it was left, and is let go of. */
  restored(versions: ReadonlyMap<SlotId, Version>): void {
    for (const slot of this.#slots.keys()) if (!versions.has(slot)) this.drop(slot);
    for (const [slot, version] of versions) this.open(slot).restored(version);
  }

  find(key: ServiceKey): RegisteredService | undefined {
    return this.#slots.get(slotOfServiceKey(key))?.find(textFromServiceKey(key));
  }

  /** The service, made empty when nobody has registered or asked for it yet. Its slot must be open. */
  obtain(key: ServiceKey): RegisteredService {
    const slot = slotOfServiceKey(key);
    const content = this.#slots.get(slot);
    assert(content !== undefined, () => `slot ${slot} is open`);
    return content.obtain(key);
  }

  /** The service as it is here, also when nobody has registered it. Its slot must be open. */
  heldOf(key: ServiceKey): Held {
    const slot = slotOfServiceKey(key);
    const content = this.#slots.get(slot);
    assert(content !== undefined, () => `slot ${slot} is open`);
    return this.find(key)?.datum.held ?? { version: content.version, digest: EMPTY_DIGEST };
  }

  release(service: RegisteredService): void {
    this.#slots.get(service.slot)?.release(service);
  }

  *claims(): IterableIterator<Claim> {
    for (const content of this.#slots.values()) yield* content.claims();
  }

  /** In the slots that `includes` takes. */
  count(includes: (slot: SlotId) => boolean): { readonly services: number; readonly instances: number } {
    let services = 0;
    let instances = 0;
    for (const content of this.#slots.values()) {
      if (!includes(content.slot)) continue;
      for (const { datum } of content.services()) {
        if (datum.size > 0) services++;
        instances += datum.size;
      }
    }
    return { services, instances };
  }

  /** Services of a namespace with at least one instance, in the slots that `includes` takes. */
  summaries(namespace: string, includes: (slot: SlotId) => boolean): ServiceSummary[] {
    const summaries: ServiceSummary[] = [];
    for (const content of this.#slots.values()) {
      if (!includes(content.slot)) continue;
      for (const { key, datum } of content.services())
        if (key.namespace === namespace && datum.size > 0) summaries.push({ key, instances: datum.size });
    }
    return summaries;
  }
}
