/**
 * One follower as the leader of some of its slots sees it: what it follows, what it is known to hold, and the link to
 * it. Changes go out as soon as the input at hand has been handled; while the link is congested they wait and coalesce.
 * Content for a follower that is far behind goes out in turns, a range of each slot at a time, after what is new.
 */

import {
  compareVersions,
  oncePerTurn,
  type Clock,
  type Epoch,
  type Frame,
  type MessageStream,
  type ReplicateRequest,
  type ReplicateResponse,
  type ServiceContent,
  type SlotDifference,
  type SlotDigest,
  type SlotFollow,
  type SlotId,
  type SlotInventory,
  type SlotReceipt,
  type SlotUpdate,
} from "@rollcall/core";

import { FRAME_BYTES_AIM, SERVICE_BYTES, bytesOfClaims, bytesOfServices, contentsOf } from "./parcels.ts";
import { digestOfSlots } from "./roll-up.ts";
import { afterReceipt, afterSilence, newsFor, type SlotDelivery } from "./slot-delivery.ts";
import type { LedSlot } from "./slot-roles.ts";

/** How often all slots that are up to date are compared, in milliseconds. */
export const ROLL_UP_MS = 10_000;

/**
 * Slots of one follower that are compared at the same time. The others wait with nothing on its way, so however much
 * there is to send, a slot whose turn has come gets its content before the follower takes it for lost.
 */
export const COMPARED_AT_ONCE_MAX = 8;

/** What was sent to followers, since the node started. */
export interface SentCounts {
  updates: number;
  inventories: number;
  contents: number;
  bytes: number;
}

export interface FollowerPeerPorts {
  readonly clock: Clock;
  readonly stream: Pick<MessageStream, "congested" | "send">;
  readonly encode: (response: Partial<ReplicateResponse>) => Frame;
  /** The slot as this node leads it; undefined while it does not. */
  readonly led: (slot: SlotId) => LedSlot | undefined;
  readonly tableEpoch: () => Epoch;
  readonly sent: SentCounts;
}

interface Follow {
  readonly leaderEpoch: Epoch;
  delivery: SlotDelivery;
}

type Parcel = { readonly bytes: number } & (
  | { readonly kind: "update"; readonly item: SlotUpdate }
  | { readonly kind: "inventory"; readonly item: SlotInventory }
  | { readonly kind: "content"; readonly item: ServiceContent }
);

export class FollowerPeer {
  /** Member key of the follower. */
  readonly follower: string;
  readonly #ports: FollowerPeerPorts;
  readonly #follows = new Map<SlotId, Follow>();
  /** Slots that may have news. */
  readonly #dirty = new Set<SlotId>();
  readonly #comparing = new Set<SlotId>();
  /** Slots that are to be compared when their turn comes. */
  readonly #waiting = new Set<SlotId>();
  /** Content on its way, the slot whose turn it is first. */
  readonly #transfers = new Map<SlotId, Iterator<ServiceContent>>();
  readonly #scheduleFlush: () => void;
  #rolledUpAt: number;

  constructor(follower: string, ports: FollowerPeerPorts) {
    this.follower = follower;
    this.#ports = ports;
    this.#rolledUpAt = ports.clock.now();
    this.#scheduleFlush = oncePerTurn(ports.clock, () => this.#flush());
  }

  /** Slots that the follower follows. */
  get size(): number {
    return this.#follows.size;
  }

  receive({ unfollows, follows, receipts, wants }: ReplicateRequest): void {
    for (const slot of unfollows) this.#unfollow(slot);
    for (const follow of follows) this.#follow(follow);
    for (const receipt of receipts) this.#receipt(receipt);
    for (const want of wants) this.#want(want);
  }

  /** The content of the slot, or whether we lead it, has changed. */
  changed(slot: SlotId): void {
    if (!this.#follows.has(slot)) return;
    this.#dirty.add(slot);
    this.#scheduleFlush();
  }

  drained(): void {
    this.#scheduleFlush();
  }

  /** Looks after what has been silent. A congested link is slow and not lossy. */
  sweep(now: number): void {
    if (this.#ports.stream.congested) return;
    for (const [slot, follow] of this.#follows) {
      if (this.#ledBy(slot, follow) === undefined) this.#unfollow(slot);
      else if (!this.#transfers.has(slot)) this.#enter(slot, follow, afterSilence(follow.delivery, now));
    }
    if (now - this.#rolledUpAt >= ROLL_UP_MS) this.#rollUp(now);
  }

  /** True when the follower is known to have all there is. */
  get isSettled(): boolean {
    return this.#settledSlots() !== undefined;
  }

  // What the follower says -------------------------------------------------------------------------------------------

  /** One that asks for what we do not lead, not at that epoch, has a newer table or an older one, and will ask again. */
  #follow({ slot, leaderEpoch, held }: SlotFollow): void {
    if (this.#ports.led(slot)?.leaderEpoch !== leaderEpoch) return;
    this.#unfollow(slot);
    const follow: Follow = { leaderEpoch, delivery: { state: "asked", held } };
    this.#follows.set(slot, follow);
    this.changed(slot);
  }

  #unfollow(slot: SlotId): void {
    this.#follows.delete(slot);
    this.#dirty.delete(slot);
    this.#waiting.delete(slot);
    this.#stopComparing(slot);
  }

  #receipt({ slot, leaderEpoch, held, resync }: SlotReceipt): void {
    const follow = this.#follows.get(slot);
    if (follow?.leaderEpoch === leaderEpoch) this.#enter(slot, follow, afterReceipt(follow.delivery, held, resync));
  }

  #want({ slot, leaderEpoch, keys }: SlotDifference): void {
    const follow = this.#follows.get(slot);
    if (follow?.leaderEpoch !== leaderEpoch || follow.delivery.state !== "comparing") return;
    const led = this.#ledBy(slot, follow);
    if (led === undefined) return;
    this.#enter(slot, follow, { state: "comparing", activeAt: this.#ports.clock.now() });
    this.#transfers.set(slot, contentsOf(led, keys));
    this.#scheduleFlush();
  }

  // The one place where a delivery changes ---------------------------------------------------------------------------

  #enter(slot: SlotId, follow: Follow, delivery: SlotDelivery): void {
    if (delivery === follow.delivery) return;
    follow.delivery = delivery;
    if (delivery.state === "comparing") this.#comparing.add(slot);
    else this.#stopComparing(slot);
    if (delivery.state === "asked" || delivery.state === "idle") this.changed(slot);
  }

  #stopComparing(slot: SlotId): void {
    this.#transfers.delete(slot);
    if (!this.#comparing.delete(slot)) return;
    for (const waiting of this.#waiting) this.changed(waiting);
    this.#waiting.clear();
  }

  /** Undefined when we lead the slot no longer, or under another epoch than the follower follows it. */
  #ledBy(slot: SlotId, { leaderEpoch }: Follow): LedSlot | undefined {
    const led = this.#ports.led(slot);
    return led?.leaderEpoch === leaderEpoch ? led : undefined;
  }

  // What goes out ----------------------------------------------------------------------------------------------------

  #flush(): void {
    const { stream, clock } = this.#ports;
    if (stream.congested) return;
    let frame = new GatheredResponse();
    for (const parcel of this.#due(clock.now())) {
      frame.add(parcel);
      if (frame.bytes < FRAME_BYTES_AIM) continue;
      this.#send(frame.response);
      frame = new GatheredResponse();
      // The rest goes when the link has carried this: what has not left yet still coalesces.
      if (stream.congested) return;
    }
    if (frame.bytes > 0) this.#send(frame.response);
  }

  /** Takes what is due. Whoever stops in between finds the rest due next time. */
  *#due(now: number): IterableIterator<Parcel> {
    for (const slot of this.#dirty) {
      this.#dirty.delete(slot);
      const parcel = this.#news(slot, now);
      if (parcel !== undefined) yield parcel;
    }
    for (const [slot, transfer] of this.#transfers) {
      // To the end of the queue, where this loop meets it again.
      this.#transfers.delete(slot);
      const next = transfer.next();
      this.#follows.get(slot)!.delivery = { state: "comparing", activeAt: now };
      if (next.done === true) continue;
      this.#transfers.set(slot, transfer);
      this.#ports.sent.contents++;
      yield {
        kind: "content",
        item: next.value,
        bytes: SERVICE_BYTES + bytesOfClaims(next.value.content.claims),
      };
    }
  }

  #news(slot: SlotId, now: number): Parcel | undefined {
    const follow = this.#follows.get(slot);
    const led = follow && this.#ledBy(slot, follow);
    if (follow === undefined || led === undefined) {
      this.#unfollow(slot);
      return undefined;
    }
    const news = newsFor(follow.delivery, led);
    if (news.kind === "update") {
      const { update: item, base, isWhole } = news;
      this.#enter(slot, follow, { state: "sending", base, sent: item.version, isWhole, sentAt: now });
      this.#ports.sent.updates++;
      return { kind: "update", item, bytes: SERVICE_BYTES + bytesOfServices(item.services) };
    }
    if (news.kind === "none") return undefined;
    if (this.#comparing.size >= COMPARED_AT_ONCE_MAX) {
      this.#waiting.add(slot);
      return undefined;
    }
    this.#enter(slot, follow, { state: "comparing", activeAt: now });
    this.#ports.sent.inventories++;
    const { leaderEpoch, version } = led;
    const services = led.serviceDigests();
    return {
      kind: "inventory",
      item: { slot, leaderEpoch, version, services },
      bytes: SERVICE_BYTES * (1 + services.length),
    };
  }

  #rollUp(now: number): void {
    const settled = this.#settledSlots();
    if (settled === undefined) return;
    this.#rolledUpAt = now;
    this.#send({ slots: { tableEpoch: this.#ports.tableEpoch(), digest: digestOfSlots(settled) } });
  }

  /** All that the follower follows, or undefined while it is known to lack something of it. */
  #settledSlots(): SlotDigest[] | undefined {
    const settled: SlotDigest[] = [];
    for (const [slot, follow] of this.#follows) {
      const led = this.#ledBy(slot, follow);
      const { delivery } = follow;
      if (led === undefined || delivery.state !== "idle" || compareVersions(delivery.held.version, led.version) !== 0)
        return undefined;
      settled.push({ slot, leaderEpoch: led.leaderEpoch, digest: led.digest });
    }
    return settled;
  }

  #send(response: Partial<ReplicateResponse>): void {
    const { stream, encode, sent } = this.#ports;
    const frame = encode(response);
    sent.bytes += frame.length;
    stream.send(frame);
  }
}

class GatheredResponse {
  readonly response = {
    updates: [] as SlotUpdate[],
    inventories: [] as SlotInventory[],
    contents: [] as ServiceContent[],
  };
  bytes = 0;

  add(parcel: Parcel): void {
    this.bytes += parcel.bytes;
    if (parcel.kind === "update") this.response.updates.push(parcel.item);
    else if (parcel.kind === "inventory") this.response.inventories.push(parcel.item);
    else this.response.contents.push(parcel.item);
  }
}
