/**
 * A data node's heart: writes of sessions in, results, notifications and copies for followers out. It ties the
 * mechanisms together and decides nothing itself: what this node is to a slot is in `ownership`, what is registered in
 * `datums`, whether sessions agree in `reconciler`, who listens in the peers.
 */

import {
  ServiceEvents,
  memberKey,
  slotOfServiceKey,
  type Clock,
  type ClusterState,
  type LinkRequest,
  type Log,
  type ServiceKey,
  type Shown,
  type SlotId,
  type Timer,
  type Tracer,
  type Version,
} from "@rollcall/core";

import { ClaimClocks } from "./datums/claim-clocks.ts";
import type { Claim } from "./datums/claim.ts";
import { DatumStore } from "./datums/datum-store.ts";
import { LeaseExpiry } from "./datums/lease-expiry.ts";
import type { RegisteredService, Showing } from "./datums/registered-service.ts";
import type { ClaimWatcher } from "./datums/slot-content.ts";
import { Barriers } from "./notify/barriers.ts";
import { Announcer } from "./notify/announcer.ts";
import { Reshowing } from "./notify/reshowing.ts";
import { ServiceLists } from "./lists/service-lists.ts";
import type { SessionPeer } from "./notify/session-peer.ts";
import { SessionPeers } from "./notify/session-peers.ts";
import { Departures } from "./sessions/departures.ts";
import { ANTI_ENTROPY_MS, Reconciler } from "./sessions/reconciler.ts";
import { Writes, type WritesPorts } from "./sessions/writes.ts";
import { SlotKeeping } from "./slots/keeping.ts";
import { SlotOwnership, type OwnershipChange } from "./slots/ownership.ts";

export interface StorageOptions {
  readonly nodeId: string;
  /** How long the registrations of a session that is gone stay, in milliseconds. */
  readonly registrationLeaseMs: number;
}

/** Whoever follows the slots of this node, or keeps them on disk. */
export interface SlotWatcher extends ClaimWatcher {
  /** This node is something else to the slot than before. */
  ownershipChanged(change: OwnershipChange): void;
  /** For the first time all that there is of the slot is here. */
  completed(slot: SlotId): void;
  /** The content of the slot is gone from memory. */
  dropped(slot: SlotId): void;
}

export interface StoragePorts extends Partial<Pick<WritesPorts, "refusal">> {
  readonly clock: Clock;
  readonly log: Log;
  readonly tracer: Tracer;
  /** Until when, by the clock, it is known what meta's list of members is. */
  readonly membersKnownAt: () => number;
  /** A session believes in a newer slot table than this node has. */
  readonly tableIsOld: () => void;
  /** How claims are shown; by default as they were registered. Whoever changes that has them shown anew. */
  readonly showing?: Showing | undefined;
}

/** How often leases, tombstones and receipts are looked at, in milliseconds. */
const SWEEP_MS = 250;

/** A sweep that comes this late, in milliseconds, means the process stood still: nobody could renew meanwhile. */
const STALL_MS = 1_000;

export class Storage implements ClaimWatcher {
  readonly datums: DatumStore;
  readonly ownership: SlotOwnership;
  readonly reconciler: Reconciler;
  readonly leases: LeaseExpiry;
  readonly barriers: Barriers;
  /** What happened to services in the slots this node leads. */
  readonly events: ServiceEvents;
  readonly lists: ServiceLists;
  readonly reshowing: Reshowing;
  readonly #ports: StoragePorts;
  readonly #watchers: SlotWatcher[] = [];
  readonly #peers = new SessionPeers();
  readonly announcer: Announcer;
  readonly #departures: Departures;
  readonly #claimClocks: ClaimClocks;
  readonly #keeping: SlotKeeping;
  readonly #writes: Writes;
  #sessions: readonly string[] = [];
  #restoredFrom: string | undefined;
  #sweepTimer: Timer | undefined;
  #sweptAt: number;
  #comparedAt: number;
  #roundMs = 0;

  constructor(options: StorageOptions, ports: StoragePorts) {
    this.#ports = ports;
    this.events = new ServiceEvents(() => ports.clock.now());
    this.announcer = new Announcer(this.#peers, ports.clock, this.events);
    this.datums = new DatumStore(this, ports.showing);
    this.ownership = new SlotOwnership(options, {
      wasComplete: (slot) => this.datums.of(slot)?.wasComplete === true,
      isLinked: (session) => this.#peers.isLinked(session),
      holdsAnything: (session, slot) => this.datums.of(slot)?.holdsAnything(session) === true,
    });
    this.reconciler = new Reconciler(this.datums, this.ownership, ports.tableIsOld);
    this.#writes = new Writes(this.datums, this.ownership, {
      tracer: ports.tracer,
      tableIsOld: ports.tableIsOld,
      renewed: (claim) => this.#tend(claim),
      changed: (service, traceparent) => this.announcer.changed(service, traceparent),
      events: this.events,
      refusal: ports.refusal ?? (() => undefined),
    });
    this.reshowing = new Reshowing(this.datums, this.ownership, this.announcer);
    this.lists = new ServiceLists(this.datums, this.ownership, this.#peers);
    this.watch(this.lists);
    this.#departures = new Departures(options.registrationLeaseMs);
    this.barriers = new Barriers({
      linked: () => this.#peers,
      known: () => ({ members: this.#sessions, absent: this.#departures.absent() }),
      heldOf: (key) =>
        this.ownership.of(slotOfServiceKey(key)).kind === "leading" ? this.datums.heldOf(key) : undefined,
    });
    this.#sweptAt = ports.clock.now();
    this.#comparedAt = this.#sweptAt;
    this.#claimClocks = new ClaimClocks(this.ownership, this.#sweptAt);
    this.leases = new LeaseExpiry(this.#claimClocks, ports.log);
    this.#keeping = new SlotKeeping(this.datums, this.#claimClocks, {
      completed: (slot) => {
        for (const watcher of this.#watchers) watcher.completed(slot);
      },
      dropped: (slot) => {
        for (const watcher of this.#watchers) watcher.dropped(slot);
      },
    });
  }

  /** This node, as a follower, has all that there is of the slot. */
  synced(slot: SlotId): void {
    this.#keeping.completed(slot);
  }

  /** Adds one who hears of every change from now on. */
  watch(watcher: SlotWatcher): void {
    this.#watchers.push(watcher);
  }

  get linkedSessions(): number {
    return this.#peers.size;
  }

  start(): void {
    this.#sweptAt = this.#ports.clock.now();
    this.#claimClocks.interrupted(this.#sweptAt);
    this.#scheduleSweep();
  }

  stop(): void {
    this.#sweepTimer?.cancel();
  }

  /** What the disk had is here, as it was left by a node of that cluster. */
  restored(clusterId: string | undefined, versions: ReadonlyMap<SlotId, Version>): void {
    this.#restoredFrom = clusterId;
    this.datums.restored(versions);
  }

  /** What the disk had counts for nothing in another cluster. */
  joined(clusterId: string): void {
    if (this.#restoredFrom === undefined || this.#restoredFrom === clusterId) return;
    this.#ports.log.error("what was on disk belongs to another cluster; it is not used", {
      disk: this.#restoredFrom,
      joined: clusterId,
    });
    this.#restoredFrom = undefined;
    for (const { slot } of this.datums.slots()) this.#keeping.drop(slot);
  }

  /** A newer state of the cluster. */
  adopt(state: ClusterState): void {
    const now = this.#now();
    this.#sessions = state.members.filter(({ role }) => role === "session").map(memberKey);
    this.#departures.adopt(this.#sessions, state.departed.map(memberKey), now);
    // What is here of a session that is no member was left behind by it, whether it ever linked to this node or not.
    for (const content of this.datums.slots())
      for (const session of content.sessions()) this.#departures.seen(session, now);
    this.#ownershipChanged(this.ownership.adopt(state, this.#departures.absent(), now));
    this.#ownershipChanged(this.reconciler.replay(now));
    // The disk may have had more than what this node is given now.
    for (const { slot } of this.datums.slots())
      if (this.ownership.of(slot).kind === "not ours") this.#keeping.drop(slot);
  }

  join(peer: SessionPeer): void {
    this.#peers.add(peer);
    this.#departures.seen(peer.session, this.#ports.clock.now());
    this.barriers.joined(peer);
  }

  /** @param hasEnded the session has let go of the link, or its process has ended; it has not just fallen silent */
  part(peer: SessionPeer, hasEnded: boolean): void {
    this.#peers.delete(peer);
    this.barriers.parted(peer, hasEnded);
    this.reconciler.forget(peer.session);
    this.lists.part(peer);
    for (const key of peer.interests()) this.#releaseIfUnused(this.datums.find(key));
  }

  receive(peer: SessionPeer, request: LinkRequest): void {
    for (const write of request.writes) {
      peer.wrote(write);
      peer.result({ sequence: write.sequence, outcome: this.#writes.take(write, peer.session) });
    }
    const { changes, unheld } = this.reconciler.receive(peer, request, this.#now());
    for (const claim of unheld) this.announcer.end(claim, true, `its session ${peer.session} does not hold it`);
    this.#ownershipChanged(changes);
    for (const interest of request.interests) peer.interest(interest);
    for (const key of request.uninterests) {
      peer.uninterest(key);
      this.#releaseIfUnused(this.datums.find(key));
    }
    for (const receipt of request.receipts) peer.receipt(receipt);
    for (const answer of request.told) this.barriers.told(peer, answer);
    for (const barrier of request.barriers) this.barriers.ask(peer, barrier, this.#ports.clock.now());
    this.lists.receive(peer, request);
  }

  /**
   * The service as it may be shown. While a slot is being taken over from what was on disk it is a list that nobody
   * vouches for, and an empty one of that kind says nothing at all.
   */
  shownOf(key: ServiceKey): Shown | undefined {
    const ownership = this.ownership.of(slotOfServiceKey(key));
    if (ownership.kind === "leading") return { datum: this.datums.obtain(key).datum, confirmed: true };
    if (ownership.kind !== "taking over" || ownership.basis !== "partial") return undefined;
    const datum = this.datums.find(key)?.datum;
    return datum !== undefined && datum.size > 0 ? { datum, confirmed: false } : undefined;
  }

  /** A claim is new, or other than before. */
  changed(claim: Claim): void {
    this.#tend(claim);
    for (const watcher of this.#watchers) watcher.changed(claim);
  }

  discarded(claim: Claim): void {
    this.#claimClocks.stopLease(claim);
    for (const watcher of this.#watchers) watcher.discarded(claim);
  }

  #tend(claim: Claim): void {
    this.#claimClocks.tend(claim, this.#ports.clock.now());
  }

  #ownershipChanged(changes: readonly OwnershipChange[]): void {
    if (changes.length === 0) return;
    for (const change of changes) {
      this.#keeping.enter(change, this.#ports.clock.now());
      for (const watcher of this.#watchers) watcher.ownershipChanged(change);
    }
    // Whoever waits for a slot may be shown it now, or must learn that what it was shown is vouched for.
    this.#peers.allChanged();
    this.#ports.log.info("slots changed", {
      leading: this.ownership.count("leading"),
      takingOver: this.ownership.count("taking over"),
      following: this.ownership.count("following"),
      changed: changes.length,
    });
  }

  #scheduleSweep(): void {
    this.#sweepTimer = this.#ports.clock.setTimer(SWEEP_MS, () => {
      this.#sweep();
      this.#scheduleSweep();
    });
  }

  /** The time. When the process has stood still, all waiting begins anew first: nobody could be heard meanwhile. */
  #now(): number {
    const now = this.#ports.clock.now();
    if (now - this.#sweptAt <= SWEEP_MS + STALL_MS) return now;
    this.#sweptAt = now;
    this.#claimClocks.interrupted(now);
    this.#departures.restart(now);
    this.ownership.restartWaiting(now);
    return now;
  }

  #sweep(): void {
    const now = this.#now();
    this.#sweptAt = now;
    if (!this.#peers.areLinked(this.#sessions)) this.#claimClocks.interrupted(now);
    this.#peers.sweep(now);
    this.barriers.sweep(now);
    for (const claim of this.leases.expire(now)) this.announcer.end(claim, false, "its lease has ended");
    for (const session of this.#departures.expire(now, this.#ports.membersKnownAt())) this.#endSession(session, now);
    this.#ownershipChanged(this.ownership.sweep(now));
    for (const claim of this.#claimClocks.expireTombstones(now)) this.#forget(claim);
    if (now - this.#comparedAt >= ANTI_ENTROPY_MS) this.#compareCopies(now);
  }

  #compareCopies(now: number): void {
    this.#comparedAt = now;
    for (const peer of this.#peers) {
      const copies = this.reconciler.copiesOf(peer);
      if (copies !== undefined) peer.compareCopies(copies);
      peer.compareServices();
    }
    this.#roundMs = this.#ports.clock.now() - now;
  }

  /** How long the last comparison with all sessions took, in milliseconds. */
  get roundMs(): number {
    return this.#roundMs;
  }

  #endSession(session: string, now: number): void {
    if (this.#peers.isLinked(session)) {
      // Meta has lost sight of it, but it is linked to us and so are its clients to it. No new slot waits for it longer.
      this.#departures.seen(session, now);
      this.#ownershipChanged(this.ownership.forget(session, now));
      return;
    }
    const claims = [...this.datums.claims()].filter(
      (claim) =>
        claim.session === session && claim.leaseMs === 0 && !claim.removed && this.ownership.leads(claim.service.slot),
    );
    if (claims.length > 0)
      this.#ports.log.warn("session is gone; its registrations end", { session, registrations: claims.length });
    for (const claim of claims) this.announcer.end(claim, true, `its session ${session} is gone`);
    this.#ownershipChanged(this.ownership.forget(session, now));
  }

  #forget(claim: Claim): void {
    const content = this.datums.of(claim.service.slot);
    // The slot was given up meanwhile, and perhaps taken up again: this tombstone went with what there was then.
    if (content === undefined || content.find(claim.service.keyText) !== claim.service) return;
    claim.service.discard(claim, content.version);
    this.#releaseIfUnused(claim.service);
  }

  #releaseIfUnused(service: RegisteredService | undefined): void {
    if (service !== undefined && !this.#peers.want(service.keyText)) this.datums.release(service);
  }
}
