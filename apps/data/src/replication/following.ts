/**
 * One leader as a follower of some of its slots sees it. What the leader says of a slot is taken, whatever was there,
 * and after each update the two digests are compared, so nothing that goes wrong on the way stays: messages may be lost,
 * repeated or late, a change may be missed, content may be damaged.
 */

import {
  RegistryError,
  compareVersions,
  isNewer,
  oncePerTurn,
  sameDigest,
  textFromServiceKey,
  type Clock,
  type Epoch,
  type ReplicateRequest,
  type ReplicateResponse,
  type RollUp,
  type ServiceContent,
  type ServiceKey,
  type SlotFollow,
  type SlotId,
  type SlotInventory,
  type SlotReceipt,
  type SlotRef,
  type SlotUpdate,
} from "@rollcall/core";

import { digestOfSlots } from "./roll-up.ts";
import { WantedServices, differingServices, waitsInVain, type SlotCopying } from "./slot-copying.ts";
import { heldOf, type FollowedSlot } from "./slot-roles.ts";

/** A slot that is not up to date for so long, in milliseconds, is told to the operator. */
export const OUT_OF_SYNC_MS = 30_000;

/** The link to the leader, as far as it matters here. */
export interface LeaderLink {
  readonly isOpen: boolean;
  readonly isCongested: boolean;
  send(request: Partial<ReplicateRequest>): void;
}

/** What was taken from leaders, since the node started. */
export interface TakenCounts {
  updates: number;
  contents: number;
  /** Inventories that showed a difference in a slot that had been like its leader's. */
  repairs: number;
  /** Roll-ups that did not agree. */
  mismatches: number;
  bytes: number;
}

export interface FollowingPorts {
  readonly clock: Clock;
  readonly link: LeaderLink;
  /** The slot as this node keeps it; undefined when it does not. */
  readonly followed: (slot: SlotId) => FollowedSlot | undefined;
  readonly tableEpoch: () => Epoch;
  /** Whether the slot may take its leader's place has changed. */
  readonly syncChanged: (slot: SlotId, leaderEpoch: Epoch, isSynced: boolean) => void;
  readonly taken: TakenCounts;
}

interface Follow extends SlotRef {
  copying: SlotCopying;
  /** Our digest was the leader's under this epoch, and nothing has shown since that something is wrong. */
  isSynced: boolean;
  /** Since when it has not been like the leader's, as far as we know. */
  behindSince: number | undefined;
}

/** What there is to say, the newest per slot. */
interface Waiting {
  readonly asks: Set<SlotId>;
  readonly unfollows: Set<SlotId>;
  readonly receipts: Map<SlotId, SlotReceipt>;
  readonly wants: Map<SlotId, SlotRef & { readonly keys: readonly ServiceKey[] }>;
}

export class Following {
  readonly #ports: FollowingPorts;
  readonly #follows = new Map<SlotId, Follow>();
  #waiting = nothingWaiting();
  readonly #scheduleFlush: () => void;

  constructor(ports: FollowingPorts) {
    this.#ports = ports;
    this.#scheduleFlush = oncePerTurn(ports.clock, () => this.#flush());
  }

  /** Slots that are followed. */
  get size(): number {
    return this.#follows.size;
  }

  /** Slots that are up to date at this moment, as far as is known. */
  get inSync(): number {
    let count = 0;
    for (const { copying } of this.#follows.values()) if (copying.state === "following") count++;
    return count;
  }

  /** Slots that may take the leader's place: nothing it had at some moment under this epoch is missing. */
  synced(): SlotId[] {
    return [...this.#follows.values()].filter(({ isSynced }) => isSynced).map(({ slot }) => slot);
  }

  isSynced(slot: SlotId): boolean {
    return this.#follows.get(slot)?.isSynced === true;
  }

  /** All slots to follow, each under its leader epoch; those followed until now and not named are let go. */
  follow(slots: ReadonlyMap<SlotId, Epoch>): void {
    for (const slot of this.#follows.keys()) if (!slots.has(slot)) this.#letGo(slot);
    for (const [slot, leaderEpoch] of slots) {
      if (this.#follows.get(slot)?.leaderEpoch === leaderEpoch) continue;
      const now = this.#ports.clock.now();
      const copying: SlotCopying = { state: "asked", at: now, doubted: false };
      const follow: Follow = { slot, leaderEpoch, copying, isSynced: false, behindSince: now };
      this.#follows.set(slot, follow);
      this.#ask(follow, false);
    }
  }

  /** The link is new: the leader knows nothing of us. */
  linked(): void {
    for (const follow of this.#follows.values()) this.#ask(follow, isDoubted(follow.copying));
  }

  lost(): void {
    this.#waiting = nothingWaiting();
  }

  drained(): void {
    this.#scheduleFlush();
  }

  /** @throws RegistryError `protocol_violation`. */
  receive({ updates, inventories, contents, slots }: ReplicateResponse): void {
    for (const update of updates) this.#update(update);
    for (const inventory of inventories) this.#inventory(inventory);
    for (const content of contents) this.#content(content);
    if (slots !== undefined) this.#compare(slots);
  }

  sweep(now: number): void {
    if (!this.#ports.link.isOpen) return;
    for (const follow of this.#follows.values())
      if (waitsInVain(follow.copying, now)) this.#ask(follow, isDoubted(follow.copying));
  }

  /** What an operator should know, if anything. */
  problem(now: number): string | undefined {
    const behind = [...this.#follows.values()].filter(
      ({ behindSince }) => behindSince !== undefined && now - behindSince > OUT_OF_SYNC_MS,
    );
    const [first] = behind;
    if (first === undefined) return undefined;
    const seconds = Math.floor((now - first.behindSince!) / 1_000);
    return `${behind.length} slots are not in sync with their leader, slot ${first.slot} for ${seconds} s`;
  }

  // What the leader says ---------------------------------------------------------------------------------------------

  #update(update: SlotUpdate): void {
    const follow = this.#followOf(update);
    const slot = follow && this.#ports.followed(follow.slot);
    // While content is on its way an update can only be a late one: the leader waits for our word.
    if (follow === undefined || slot === undefined || follow.copying.state === "comparing") return;
    const { base, version, services, digest } = update;
    if (isNewer(base, slot.version)) {
      this.#ask(follow, isDoubted(follow.copying));
    } else if (isNewer(slot.version, version)) {
      // Late or repeated: the receipt has been lost, or is on its way.
      this.#confirm(follow, slot, false);
    } else {
      if (isNewer(version, slot.version)) slot.take(services, version);
      this.#ports.taken.updates++;
      const isSame = sameDigest(slot.digest, digest);
      this.#enter(follow, isSame ? { state: "following" } : this.#asked(true));
      this.#confirm(follow, slot, !isSame);
    }
  }

  #inventory(inventory: SlotInventory): void {
    const { version } = inventory;
    if (version === undefined)
      throw new RegistryError("protocol_violation", "an inventory from a leader names the version it was taken at");
    const follow = this.#followOf(inventory);
    const slot = follow && this.#ports.followed(follow.slot);
    if (follow === undefined || slot === undefined) return;
    const { copying } = follow;
    const known = copying.state === "comparing" ? copying.version : slot.version;
    if (isNewer(known, version)) return;
    const keys = differingServices(slot.serviceDigests(), inventory.services);
    if (keys.length === 0) {
      this.#compared(follow, slot, version);
      return;
    }
    // At another version there may well be a difference, without anything having gone wrong.
    if (follow.isSynced && (isDoubted(copying) || compareVersions(version, slot.version) === 0)) {
      this.#ports.taken.repairs++;
      this.#setSynced(follow, false);
    }
    const wanted = new WantedServices(keys);
    this.#enter(follow, { state: "comparing", at: this.#ports.clock.now(), version, wanted });
    this.#waiting.wants.set(follow.slot, { slot: follow.slot, leaderEpoch: follow.leaderEpoch, keys });
    this.#scheduleFlush();
  }

  #content({ content, ...range }: ServiceContent): void {
    const follow = this.#followOf(range);
    const slot = follow && this.#ports.followed(follow.slot);
    if (follow === undefined || slot === undefined || follow.copying.state !== "comparing") return;
    const { version, wanted } = follow.copying;
    const keyText = textFromServiceKey(content.key);
    if (!wanted.has(keyText)) return;
    slot.replace(content, range);
    wanted.arrived(keyText, range);
    this.#ports.taken.contents++;
    if (wanted.isEmpty) this.#compared(follow, slot, version);
    else this.#enter(follow, { state: "comparing", at: this.#ports.clock.now(), version, wanted });
  }

  /** We have all that was in the inventory, at its version or newer; the leader shall say whether that is right. */
  #compared(follow: Follow, slot: FollowedSlot, version: SlotUpdate["version"]): void {
    if (isNewer(version, slot.version)) slot.take([], version);
    this.#ask(follow, false);
  }

  /** All slots at once. When the two do not agree, each is asked for, and the leader sees which it is. */
  #compare({ tableEpoch, digest }: RollUp): void {
    if (tableEpoch !== this.#ports.tableEpoch()) return;
    const sums = [];
    for (const { slot, leaderEpoch, copying } of this.#follows.values()) {
      const content = this.#ports.followed(slot);
      // Something is on its way already.
      if (copying.state !== "following" || content === undefined) return;
      sums.push({ slot, leaderEpoch, digest: content.digest });
    }
    if (sameDigest(digestOfSlots(sums), digest)) return;
    this.#ports.taken.mismatches++;
    for (const follow of this.#follows.values()) this.#ask(follow, false);
  }

  #followOf({ slot, leaderEpoch }: SlotRef): Follow | undefined {
    const follow = this.#follows.get(slot);
    if (follow === undefined) {
      // It has not heard that we let go of the slot.
      this.#waiting.unfollows.add(slot);
      this.#scheduleFlush();
    }
    return follow?.leaderEpoch === leaderEpoch ? follow : undefined;
  }

  // The one place where a slot's state changes -----------------------------------------------------------------------

  #enter(follow: Follow, copying: SlotCopying): void {
    follow.copying = copying;
    if (copying.state !== "following") {
      follow.behindSince ??= this.#ports.clock.now();
      return;
    }
    follow.behindSince = undefined;
    if (!follow.isSynced) this.#setSynced(follow, true);
  }

  #setSynced(follow: Follow, isSynced: boolean): void {
    follow.isSynced = isSynced;
    this.#ports.syncChanged(follow.slot, follow.leaderEpoch, isSynced);
  }

  #asked(doubted: boolean): SlotCopying {
    return { state: "asked", at: this.#ports.clock.now(), doubted };
  }

  // What goes out ----------------------------------------------------------------------------------------------------

  #ask(follow: Follow, doubted: boolean): void {
    this.#enter(follow, this.#asked(doubted));
    this.#waiting.unfollows.delete(follow.slot);
    this.#waiting.asks.add(follow.slot);
    this.#scheduleFlush();
  }

  #letGo(slot: SlotId): void {
    this.#follows.delete(slot);
    this.#waiting.asks.delete(slot);
    this.#waiting.receipts.delete(slot);
    this.#waiting.wants.delete(slot);
    this.#waiting.unfollows.add(slot);
    this.#scheduleFlush();
  }

  #confirm({ slot, leaderEpoch }: Follow, content: FollowedSlot, resync: boolean): void {
    this.#waiting.receipts.set(slot, { slot, leaderEpoch, held: heldOf(content), resync });
    this.#scheduleFlush();
  }

  #flush(): void {
    const { link } = this.#ports;
    if (!link.isOpen || link.isCongested) return;
    const { asks, unfollows, receipts, wants } = this.#waiting;
    if (asks.size + unfollows.size + receipts.size + wants.size === 0) return;
    this.#waiting = nothingWaiting();
    link.send({
      follows: [...asks].flatMap((slot) => this.#followRequest(slot)),
      unfollows: [...unfollows],
      receipts: [...receipts.values()],
      wants: [...wants.values()],
    });
  }

  #followRequest(slot: SlotId): SlotFollow[] {
    const follow = this.#follows.get(slot);
    const content = this.#ports.followed(slot);
    if (follow === undefined || content === undefined) return [];
    const held = isDoubted(follow.copying) ? undefined : heldOf(content);
    return [{ slot, leaderEpoch: follow.leaderEpoch, held }];
  }
}

function isDoubted(copying: SlotCopying): boolean {
  // Of what is half compared nobody knows what it is.
  return copying.state === "comparing" || (copying.state === "asked" && copying.doubted);
}

function nothingWaiting(): Waiting {
  return { asks: new Set(), unfollows: new Set(), receipts: new Map(), wants: new Map() };
}
