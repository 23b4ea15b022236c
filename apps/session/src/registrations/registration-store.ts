/**
 * The truth about what this node's clients have registered. The data nodes only aggregate it: they compare what they
 * have of a slot with what this store holds, and what they lack is written to them again.
 */

import {
  ByteStore,
  LeaseTable,
  RegistrationTable,
  compareRegistrationVersions,
  invalidField,
  isNewerStamp,
  sameServiceKey,
  slotOfServiceKey,
  textFromServiceKey,
  type Clock,
  type Digest,
  type RegistrationNames,
  type RegistrationOutcome,
  type RegistrationVersion,
  type ServiceDigest,
  type ServiceKey,
  type SlotId,
} from "@rollcall/core";

import type { Writer } from "../routing/writer.ts";
import { Registration, type AttemptEnd, type RegistrationKeeper, type Settled, type Wanted } from "./registration.ts";
import { RegistrationList } from "./registration-list.ts";
import type { RegistrationOwner } from "./registration-owner.ts";
import { SlotDigests, inventoryOf, rangesOf, type HeldRange } from "./slot-digests.ts";

/** A wish of a client for one of its registrations. */
export interface Wish extends Wanted, RegistrationNames {
  /** Whom it lives with; undefined when with nothing but its lease. */
  readonly owner: RegistrationOwner | undefined;
}

/**
 * How long a removal is remembered after the leader has applied it, in milliseconds: longer than another session may hold
 * an older claim of a client that it has lost sight of.
 */
const TOMBSTONE_MS = 30_000;

export class RegistrationStore {
  readonly #clock: Clock;
  readonly #writer: Writer;
  readonly #written: (registration: Registration) => void;
  readonly #keeper: RegistrationKeeper = {
    bytes: new ByteStore(),
    ended: (registration, end) => this.#attemptEnded(registration, end),
  };
  readonly #registrations = new RegistrationTable<Registration>();
  readonly #bySlot = new Map<SlotId, RegistrationList<Registration>>();
  readonly #digests = new SlotDigests();
  /** Copies of registrations that live by their lease, and tombstones. */
  readonly #leases = new LeaseTable<Registration>();
  /** Orders registrations made without a connection, across sessions: each learns the others' when it meets them. */
  #leaseCounter = 0;
  readonly #leaseTie: number;

  /**
   * @param written called when the leader has the present state of a registration, or the store has let go of it
   * @param leaseTie tells the versions that this life of this session makes from those of any other
   */
  constructor(clock: Clock, writer: Writer, written: (registration: Registration) => void, leaseTie = 0) {
    this.#leaseTie = leaseTie;
    this.#clock = clock;
    this.#writer = writer;
    this.#written = written;
  }

  get size(): number {
    return this.#registrations.size;
  }

  holds(names: RegistrationNames): boolean {
    return this.#registrations.find(names) !== undefined;
  }

  inSlot(slot: SlotId): readonly Registration[] {
    return this.#bySlot.get(slot)?.items ?? [];
  }

  /** Over all registrations of a slot that live with a connection. */
  digestOf(slot: SlotId): Digest {
    return this.#digests.of(slot);
  }

  /** The services of a slot that have registrations with a connection, each with the digest over those. */
  inventoryOf(slot: SlotId): ServiceDigest[] {
    return inventoryOf(this.inSlot(slot));
  }

  /** Names what is held of a service with connections, after an instance id, in ranges of them; at most so many. */
  holdingsOf(key: ServiceKey, after: string, rangesMax: number): HeldRange[] {
    const ofService = this.inSlot(slotOfServiceKey(key)).filter((registration) =>
      sameServiceKey(registration.key, key),
    );
    return rangesOf(ofService, after, rangesMax);
  }

  /**
   * A version for a registration made without a connection, newer than any this session has met and equal to none of
   * another's: what is equal is taken for the same word again, and would change nothing.
   */
  nextLeaseVersion(): RegistrationVersion {
    return { incarnation: ++this.#leaseCounter, counter: this.#leaseTie };
  }

  /** Takes in a wish and brings it to the leader; `settled` hears of the end. */
  wish(wish: Wish, settled?: Settled): void {
    const registration = this.#registrations.find(wish);
    if (registration === undefined) {
      const added = this.#add(wish);
      if (settled !== undefined) added.wait(settled);
      this.#startLease(added);
      this.#write(added);
      return;
    }
    if (isNewerStamp(registration, wish)) {
      settled?.(refusedAsOlder(wish.version, registration.version));
      return;
    }
    this.#own(registration, wish.owner);
    if (!isNewerStamp(wish, registration)) {
      this.#holdBack(registration, wish.heldBack ?? false);
      // The same word again, over a link that lost the answer to the first.
      if (registration.appliedAt !== undefined) settled?.({ kind: "applied", version: registration.appliedAt });
      else if (settled !== undefined) registration.waitInstead(settled);
      return;
    }
    registration.become(wish);
    this.#digests.changed(registration);
    if (settled !== undefined) registration.wait(settled);
    this.#startLease(registration);
    this.#write(registration);
  }

  /**
   * From now on what the owner registers is held back, or is not any more: its client wants it as before, and it is in
   * no list. Whoever waits to hear that it is applied waits until it is.
   */
  holdBack(owner: RegistrationOwner, heldBack: boolean): void {
    for (const registration of owner.items) this.#holdBack(registration, heldBack);
  }

  #holdBack(registration: Registration, heldBack: boolean): void {
    if (registration.heldBack === heldBack) return;
    registration.heldBack = heldBack;
    if (registration.removed) return;
    this.#digests.changed(registration);
    this.#write(registration);
  }

  /** The owner is gone: what it still holds goes, at the version it has, so that a newer claim elsewhere is not touched. */
  abandon(owner: RegistrationOwner): void {
    for (const registration of owner.items) {
      if (registration.removed) continue;
      registration.end();
      this.#digests.changed(registration);
      this.#write(registration);
    }
  }

  /** The lease was renewed through this session: the copy held here stays as long. */
  renewed(key: ServiceKey, instanceId: string): void {
    const registration = this.#registrations.find({ key, instanceId, clientId: "" });
    if (registration !== undefined) this.#leases.renew(registration, this.#clock.now() + registration.leaseMs);
  }

  /** The leader holds no such lease. The copy held here must not bring back what another session may have removed. */
  leaseUnknown(key: ServiceKey, instanceId: string): void {
    const registration = this.#registrations.find({ key, instanceId, clientId: "" });
    // Whoever registers it again meanwhile wants more than the renewal did.
    if (registration === undefined || registration.removed || registration.isAwaited) return;
    this.#drop(registration);
  }

  /** Writes the leases and removals of a slot again, which no digest shows. Nobody's lease is longer for it. */
  rewriteUncompared(slot: SlotId): Set<Registration> {
    return this.#rewrite(this.inSlot(slot).filter((registration) => !registration.livesWithConnection));
  }

  /** Writes again what some services of a slot have with connections. */
  rewriteServices(slot: SlotId, keys: readonly ServiceKey[]): Set<Registration> {
    const wanted = new Set(keys.map(textFromServiceKey));
    return this.#rewrite(
      this.inSlot(slot).filter(
        ({ livesWithConnection, key }) => livesWithConnection && wanted.has(textFromServiceKey(key)),
      ),
    );
  }

  #rewrite(registrations: readonly Registration[]): Set<Registration> {
    for (const registration of registrations) this.#write(registration);
    return new Set(registrations);
  }

  /**
   * Lets go of tombstones that have served, and of copies whose lease has not been renewed here: that is no removal, for
   * the leader keeps the lease itself.
   */
  sweep(now: number): void {
    for (const registration of this.#leases.expire(now)) this.#drop(registration);
  }

  #write(registration: Registration): void {
    registration.appliedAt = undefined;
    this.#writer.enqueue(registration);
  }

  #startLease(registration: Registration): void {
    if (registration.leaseMs > 0) this.#leases.renew(registration, this.#clock.now() + registration.leaseMs);
    else this.#leases.revoke(registration);
  }

  #attemptEnded(registration: Registration, end: AttemptEnd): void {
    if (end.kind === "applied" && registration.standing === "held back") this.#written(registration);
    else if (end.kind === "applied") {
      registration.appliedAt = end.version;
      registration.traceparent = undefined;
      if (registration.removed) this.#bury(registration);
      this.#written(registration);
      registration.tell({ kind: "applied", version: end.version });
    } else if (end.kind === "denied") {
      this.#drop(registration);
      registration.tell({ kind: "refused", error: end.error });
    } else if (registration.clientId === "" && registration.isAwaited) {
      // Another session has served the same instance: this wish came later, so it goes on top.
      this.#leaseCounter = Math.max(this.#leaseCounter, end.by.incarnation);
      registration.version = this.nextLeaseVersion();
      this.#write(registration);
    } else {
      this.#drop(registration);
      registration.tell(refusedAsOlder(registration.version, end.by));
    }
  }

  /** Remembers a removal: a new leader may hear of the registration from a session that its client had left before. */
  #bury(registration: Registration): void {
    this.#own(registration, undefined);
    this.#leases.renew(registration, this.#clock.now() + TOMBSTONE_MS);
  }

  #add(wish: Wish): Registration {
    const { key, instanceId, clientId } = wish;
    const slot = slotOfServiceKey(key);
    const registration = new Registration({ key, slot, instanceId, clientId }, wish, this.#keeper);
    this.#registrations.set(registration);
    this.#inSlot(slot).add(registration);
    this.#digests.changed(registration);
    this.#own(registration, wish.owner);
    return registration;
  }

  #inSlot(slot: SlotId): RegistrationList<Registration> {
    const known = this.#bySlot.get(slot);
    if (known !== undefined) return known;
    const list = new RegistrationList<Registration>("placeInSlot");
    this.#bySlot.set(slot, list);
    return list;
  }

  #own(registration: Registration, owner: RegistrationOwner | undefined): void {
    if (registration.owner === owner) return;
    registration.owner?.remove(registration);
    registration.owner = owner;
    owner?.add(registration);
  }

  #drop(registration: Registration): void {
    this.#registrations.delete(registration);
    this.#inSlot(registration.slot).remove(registration);
    this.#digests.dropped(registration);
    this.#leases.revoke(registration);
    this.#own(registration, undefined);
    registration.drop();
    this.#written(registration);
  }
}

function refusedAsOlder(version: RegistrationVersion, by: RegistrationVersion): RegistrationOutcome {
  const newest = `${by.incarnation}.${by.counter}`;
  const order = compareRegistrationVersions(version, by) === 0 ? "newer than its removal at" : "newer than";
  return {
    kind: "refused",
    error: invalidField("version", `${order} ${newest}`, `${version.incarnation}.${version.counter}`),
  };
}
