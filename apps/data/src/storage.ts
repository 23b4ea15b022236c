/**
 * A data node's heart: writes of sessions in, results and notifications out. It ties the mechanisms together and holds
 * no state of its own: who owns a slot is in `ownership`, what is registered in `datums`, who listens in `peers`.
 */

import {
  LeaseTable,
  memberKey,
  slotOfServiceKey,
  type Clock,
  type ClusterState,
  type LinkRequest,
  type Log,
  type ServiceKey,
  type Timer,
  type Write,
  type WriteOutcome,
} from "@rollcall/core";

import { DatumStore } from "./datums/datum-store.ts";
import type { Claim, RegisteredService } from "./datums/registered-service.ts";
import { Tombstones } from "./datums/tombstones.ts";
import type { SessionPeer } from "./notify/session-peer.ts";
import { Departures } from "./sessions/departures.ts";
import { SlotOwnership, type OwnershipChange } from "./slots/ownership.ts";

export interface StorageOptions {
  readonly nodeId: string;
  /** How long the registrations of a session that is gone stay, in milliseconds. */
  readonly registrationLeaseMs: number;
}

/** How often leases, tombstones and receipts are looked at, in milliseconds. */
const SWEEP_MS = 250;

/** A sweep that comes this late, in milliseconds, means the process stood still: nobody could renew meanwhile. */
const STALL_MS = 1_000;

export class Storage {
  readonly ownership: SlotOwnership;
  readonly datums = new DatumStore();
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #peers = new Set<SessionPeer>();
  readonly #departures: Departures;
  readonly #tombstones = new Tombstones();
  readonly #leases = new LeaseTable<Claim>();
  #sweepTimer: Timer | undefined;
  #sweptAt: number;

  constructor(options: StorageOptions, ports: { readonly clock: Clock; readonly log: Log }) {
    this.#clock = ports.clock;
    this.#log = ports.log;
    this.ownership = new SlotOwnership(options.nodeId);
    this.#departures = new Departures(options.registrationLeaseMs);
    this.#sweptAt = this.#clock.now();
  }

  get linkedSessions(): number {
    return this.#peers.size;
  }

  start(): void {
    this.#sweptAt = this.#clock.now();
    this.#scheduleSweep();
  }

  stop(): void {
    this.#sweepTimer?.cancel();
  }

  /** A newer state of the cluster. */
  adopt(state: ClusterState): void {
    this.#departures.adopt(state.members.filter(({ role }) => role === "session").map(memberKey), this.#clock.now());
    this.#ownershipChanged(this.ownership.adopt(state, this.#departures.absent()));
  }

  join(peer: SessionPeer): void {
    this.#peers.add(peer);
    this.#departures.seen(peer.session, this.#clock.now());
  }

  part(peer: SessionPeer): void {
    this.#peers.delete(peer);
    for (const key of peer.interests()) this.#releaseIfUnused(this.datums.find(key));
  }

  receive(peer: SessionPeer, request: LinkRequest): void {
    for (const write of request.writes)
      peer.result({ sequence: write.sequence, outcome: this.#write(write, peer.session) });
    for (const report of request.reports) {
      // One that comes before the table that it is about is not confirmed, and is made again.
      if (this.ownership.access(report.slot, report.leaderEpoch, "write").kind !== "accepted") continue;
      this.#ownershipChanged(this.ownership.report(peer.session, report));
      peer.report(report);
    }
    for (const interest of request.interests) peer.interest(interest);
    for (const key of request.uninterests) {
      peer.uninterest(key);
      this.#releaseIfUnused(this.datums.find(key));
    }
    for (const receipt of request.receipts) peer.receipt(receipt);
    for (const { sequence, namespace } of request.queries) {
      peer.answer({
        sequence,
        services: this.datums.summaries(namespace, (slot) => this.ownership.of(slot).kind === "leading"),
      });
    }
  }

  /** The service as it may be shown; undefined while its slot is not led completely. */
  readable(key: ServiceKey): RegisteredService | undefined {
    return this.ownership.of(slotOfServiceKey(key)).kind === "leading" ? this.datums.obtain(key) : undefined;
  }

  #write(write: Write, session: string): WriteOutcome {
    const slot = slotOfServiceKey(write.key);
    const access = this.ownership.access(slot, write.leaderEpoch, "write");
    if (access.kind !== "accepted") return access;
    if (write.kind === "renew") return this.#renew(write);
    const service = this.datums.obtain(write.key);
    const before = service.datum.version;
    const outcome = service.merge(write, session, this.datums.issue(slot));
    if (outcome.kind === "superseded") return outcome;
    // What is merely said again, by a session over a new link, makes no lease longer.
    if (outcome.isNews) this.#tend(outcome.claim);
    if (service.datum.version !== before) this.#announce(service);
    return { kind: "applied", version: service.datum.version };
  }

  #renew(write: Write): WriteOutcome {
    const service = this.datums.find(write.key);
    const claim = service?.find(write.instanceId, write.clientId);
    if (service !== undefined && claim !== undefined && !claim.removed) {
      this.#tend(claim);
      return { kind: "applied", version: service.datum.version };
    }
    // While sessions are still handing over, what is not known yet may be on its way.
    const access = this.ownership.access(slotOfServiceKey(write.key), write.leaderEpoch, "read");
    return access.kind === "accepted" ? { kind: "unknown" } : access;
  }

  /** Starts whatever clock the claim lives or is remembered by. */
  #tend(claim: Claim): void {
    if (claim.removed) {
      this.#leases.revoke(claim);
      this.#tombstones.add(claim, this.#clock.now());
    } else if (claim.leaseMs > 0) {
      this.#leases.renew(claim, this.#clock.now() + claim.leaseMs);
    }
  }

  #announce({ keyText }: RegisteredService): void {
    for (const peer of this.#peers) peer.changed(keyText);
  }

  #ownershipChanged(changes: readonly OwnershipChange[]): void {
    if (changes.length === 0) return;
    for (const { slot, before, after } of changes) {
      const opened =
        after.kind !== "not ours" && (before.kind === "not ours" || before.leaderEpoch !== after.leaderEpoch);
      if (after.kind === "not ours" || opened) this.#drop(slot);
      if (opened) this.datums.open(slot, after.leaderEpoch);
    }
    if (changes.some(({ after }) => after.kind === "leading")) for (const peer of this.#peers) peer.allChanged();
    this.#log.info("slots changed", {
      leading: this.ownership.count("leading"),
      takingOver: this.ownership.count("taking over"),
      changed: changes.length,
    });
  }

  #drop(slot: OwnershipChange["slot"]): void {
    for (const service of this.datums.servicesOf(slot))
      for (const claim of service.claims()) this.#leases.revoke(claim);
    this.datums.drop(slot);
  }

  #scheduleSweep(): void {
    this.#sweepTimer = this.#clock.setTimer(SWEEP_MS, () => {
      this.#sweep(this.#clock.now());
      this.#scheduleSweep();
    });
  }

  #sweep(now: number): void {
    const stalled = now - this.#sweptAt > SWEEP_MS + STALL_MS;
    this.#sweptAt = now;
    for (const peer of this.#peers) peer.sweep(now);
    for (const claim of this.#leases.expire(now)) {
      // A clock that ran while nobody could renew, or while the list was incomplete, counts for nothing.
      if (stalled || this.ownership.of(claim.service.slot).kind !== "leading") this.#tend(claim);
      else this.#end(claim, false);
    }
    if (stalled) this.#departures.restart(now);
    for (const session of this.#departures.expire(now)) this.#endSession(session, now);
    for (const claim of this.#tombstones.expire(now)) {
      claim.service.forget(claim);
      this.#releaseIfUnused(claim.service);
    }
  }

  #endSession(session: string, now: number): void {
    if ([...this.#peers].some((peer) => peer.session === session)) {
      // Meta has lost sight of it, but it is linked to us and so are its clients to it. No new slot waits for it longer.
      this.#departures.seen(session, now);
      this.#ownershipChanged(this.ownership.forget(session));
      return;
    }
    const claims = [...this.datums.claims()].filter(
      (claim) => claim.session === session && claim.leaseMs === 0 && !claim.removed,
    );
    this.#log.warn("session is gone; its registrations end", { session, registrations: claims.length });
    for (const claim of claims) this.#end(claim, true);
    this.#ownershipChanged(this.ownership.forget(session));
  }

  #end(claim: Claim, presumed: boolean): void {
    const { service } = claim;
    service.end(claim, this.datums.issue(service.slot), presumed);
    this.#tend(claim);
    this.#announce(service);
  }

  #releaseIfUnused(service: RegisteredService | undefined): void {
    if (service === undefined) return;
    for (const peer of this.#peers) if (peer.wants(service.keyText)) return;
    this.datums.release(service);
  }
}
