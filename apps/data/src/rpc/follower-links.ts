/** DataService.Replicate: one link per data node that follows slots we lead. */

import {
  RegistryError,
  memberKey,
  type Clock,
  type Epoch,
  type LinkHello,
  type Log,
  type MessageStream,
  type SlotId,
  type StreamHandler,
} from "@rollcall/core";
import { frameFromReplicateResponse, replicateRequestFromBytes } from "@rollcall/protocol";

import { FollowerPeer, type SentCounts } from "../replication/follower-peer.ts";
import type { LedSlot } from "../replication/slot-roles.ts";

/** What this node leads. */
export interface LedSlots {
  /** The slot's content, or undefined while this node does not lead it. */
  readonly led: (slot: SlotId) => LedSlot | undefined;
  readonly tableEpoch: () => Epoch;
}

export class FollowerLinks {
  readonly #slots: LedSlots;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #streams = new Set<MessageStream>();
  readonly #peers = new Set<FollowerPeer>();
  readonly #sent: SentCounts = { updates: 0, inventories: 0, contents: 0, bytes: 0 };

  constructor(slots: LedSlots, ports: { readonly clock: Clock; readonly log: Log }) {
    this.#slots = slots;
    this.#clock = ports.clock;
    this.#log = ports.log;
  }

  get linkedFollowers(): number {
    return this.#peers.size;
  }

  /** What was sent to followers since the node started. */
  get sent(): Readonly<SentCounts> {
    return this.#sent;
  }

  /** True when every follower is known to have all there is. */
  get isSettled(): boolean {
    return [...this.#peers].every((peer) => peer.isSettled);
  }

  readonly handler: StreamHandler = (stream, { address }) => {
    let peer: FollowerPeer | undefined;
    this.#streams.add(stream);
    stream.listen({
      message: (bytes) => {
        const request = replicateRequestFromBytes(bytes);
        peer ??= this.#join(stream, request.hello);
        peer.receive(request);
      },
      drained: () => peer?.drained(),
      closed: (error) => {
        this.#streams.delete(stream);
        if (peer !== undefined) this.#peers.delete(peer);
        this.#log.info("a follower's link ended", {
          peer: address,
          follower: peer?.follower,
          reason: error?.message ?? "closed",
        });
      },
    });
  };

  /** The content of a slot, or whether we lead it, has changed. */
  changed(slot: SlotId): void {
    for (const peer of this.#peers) peer.changed(slot);
  }

  sweep(now: number): void {
    for (const peer of this.#peers) peer.sweep(now);
  }

  closeAll(): void {
    for (const stream of this.#streams) stream.close(new RegistryError("shutting_down", "the data node is stopping"));
    this.#streams.clear();
    this.#peers.clear();
  }

  #join(stream: MessageStream, hello: LinkHello | undefined): FollowerPeer {
    if (hello === undefined)
      throw new RegistryError("protocol_violation", "the first message of a follower is its hello");
    const peer = new FollowerPeer(memberKey(hello), {
      clock: this.#clock,
      stream,
      encode: frameFromReplicateResponse,
      led: (slot) => this.#slots.led(slot),
      tableEpoch: () => this.#slots.tableEpoch(),
      sent: this.#sent,
    });
    this.#peers.add(peer);
    return peer;
  }
}
