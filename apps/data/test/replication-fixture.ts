/** A leader and a follower, joined by the links that a data node uses, over the simulated network. */

import {
  SLOT_COUNT,
  epoch,
  messageFromFrame,
  serviceKey,
  silentLog,
  slotId,
  slotOfServiceKey,
  type ClusterState,
  type Frame,
  type LinkHello,
  type Member,
  type MessageStream,
  type ReplicateRequest,
  type ReplicateResponse,
  type ServiceKey,
  type SlotId,
  type SlotOwner,
} from "@rollcall/core";
import { REPLICATE_PATH, frameFromReplicateRequest, replicateResponseFromBytes } from "@rollcall/protocol";
import { SeededRandom, SimClock, SimNetwork, type LinkFaults } from "@rollcall/testing";

import { LeaderLinks } from "../src/peers/leader-links.ts";
import { FollowerLinks } from "../src/rpc/follower-links.ts";
import { ModelSlot } from "./replication-model.ts";

export const LEADER = "data-1";
export const FOLLOWER = "data-2";
const SWEEP_MS = 250;

const member = (nodeId: string): Member => ({ nodeId, incarnation: 1, role: "data", address: `${nodeId}:9620` });

/** `count` service keys that all lie in one slot. */
export function keysInOneSlot(count: number): { readonly slot: SlotId; readonly keys: readonly ServiceKey[] } {
  const first = serviceKey({ service: "s-0" });
  const slot = slotOfServiceKey(first);
  const keys = [first];
  for (let number = 1; keys.length < count; number++) {
    const key = serviceKey({ service: `s-${number}` });
    if (slotOfServiceKey(key) === slot) keys.push(key);
  }
  return { slot, keys };
}

export interface PairOptions {
  readonly seed?: number;
  readonly slots?: readonly SlotId[];
  readonly logMax?: number;
  readonly faults?: Partial<LinkFaults>;
}

export interface TablePicture {
  readonly version?: number;
  readonly leader?: string;
  readonly leaderEpoch?: number;
  readonly slots?: readonly SlotId[];
  readonly members?: readonly string[];
}

export function startPair({ seed = 1, slots = [slotId(0)], logMax = 512, faults = {} }: PairOptions = {}) {
  const clock = new SimClock();
  const random = new SeededRandom(seed);
  const network = new SimNetwork({ clock, random });
  network.setFaults("all", faults);

  const leads = new Map(slots.map((slot) => [slot, new ModelSlot(slot, logMax).lead(1)]));
  const follows = new Map<SlotId, ModelSlot>(slots.map((slot) => [slot, new ModelSlot(slot, logMax)]));
  const tableAtLeader = { epoch: epoch(1) };
  const said: string[] = [];
  const followers = new FollowerLinks(
    { led: (slot) => leads.get(slot), tableEpoch: () => tableAtLeader.epoch },
    { clock, log: silentLog },
  );
  for (const [slot, content] of leads) content.changed = () => followers.changed(slot);
  const leaders = new LeaderLinks(
    FOLLOWER,
    {
      followed: (slot) => follows.get(slot),
      syncChanged: (slot, leaderEpoch, isSynced) =>
        said.push(`slot ${slot} epoch ${leaderEpoch} ${isSynced ? "synced" : "not synced"}`),
    },
    { clock, log: silentLog, random, dialer: network.dialer(`${FOLLOWER}:9620`) },
  );
  network.host(`${LEADER}:9620`, new Map([[REPLICATE_PATH, followers.handler]]));

  const tableOf = (picture: TablePicture): ClusterState => {
    const { version = 1, leader = LEADER, leaderEpoch = 1, members = [LEADER, FOLLOWER] } = picture;
    const followed = new Set(picture.slots ?? slots);
    const owners = Array.from({ length: SLOT_COUNT }, (_, slot): SlotOwner => ({
      leader,
      followers: followed.has(slotId(slot)) ? [FOLLOWER] : [],
      leaderEpoch: epoch(leaderEpoch),
    }));
    const table = { epoch: epoch(version), owners };
    return { clusterId: "c", version, members: members.map(member), table, departed: [] };
  };
  const adopt = (picture: TablePicture = {}): void => {
    tableAtLeader.epoch = epoch(picture.version ?? 1);
    leaders.adopt({ incarnation: 1, state: tableOf(picture) });
  };
  const sweep = (): void => {
    followers.sweep(clock.now());
    leaders.sweep(clock.now());
    clock.setTimer(SWEEP_MS, sweep);
  };
  sweep();

  const isLike = (): boolean =>
    slots.every((slot) => JSON.stringify(leads.get(slot)!.live()) === JSON.stringify(follows.get(slot)!.live()));
  return {
    clock,
    random,
    network,
    leads,
    follows,
    followers,
    leaders,
    said,
    adopt,
    isLike,
    led: (slot = slots[0]!) => leads.get(slot)!,
    followed: (slot = slots[0]!) => follows.get(slot)!,
    /** Runs until both sides have the same and know it. */
    converge: (limitMs = 10_000) =>
      clock.runUntilIdleOr(
        () => leaders.count().inSync === leaders.count().followed && followers.isSettled && isLike(),
        limitMs,
      ),
  };
}

/** The leader's end of a link in the hands of the test, which is the follower. */
export class HandMadeLink implements MessageStream {
  congested = false;
  readonly #heard: ReplicateResponse[] = [];
  readonly #handler: (bytes: Uint8Array) => void;
  #drained: () => void = () => {};

  constructor(links: FollowerLinks) {
    const listeners: Parameters<MessageStream["listen"]>[0][] = [];
    this.listen = (listener) => void listeners.push(listener);
    links.handler(this, { address: "test" });
    const [listener] = listeners;
    this.#handler = (bytes) => listener?.message(bytes);
    this.#drained = () => listener?.drained?.();
  }

  listen: MessageStream["listen"];

  send(frame: Frame): void {
    this.#heard.push(replicateResponseFromBytes(messageFromFrame(frame)));
  }

  close(): void {}

  say(request: Partial<ReplicateRequest>): void {
    this.#handler(messageFromFrame(frameFromReplicateRequest(request)));
  }

  hello(): void {
    const hello: LinkHello = { nodeId: FOLLOWER, incarnation: 1 };
    this.say({ hello });
  }

  drain(): void {
    this.congested = false;
    this.#drained();
  }

  /** What came since the last time. */
  heard(): ReplicateResponse[] {
    return this.#heard.splice(0);
  }
}
