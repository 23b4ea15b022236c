/** The links to the leaders of the slots that this node follows, kept up for as long as both hold. */

import { LastingLink, unreachableBy, type LastingLinkPorts, type Membership } from "@rollcall/cluster";
import {
  EMPTY_SLOT_TABLE,
  memberKey,
  type Epoch,
  type Log,
  type Member,
  type ReplicateRequest,
  type SlotId,
} from "@rollcall/core";
import { REPLICATE_PATH, frameFromReplicateRequest, replicateResponseFromBytes } from "@rollcall/protocol";

import { slotsFollowedIn } from "../replication/followed-in.ts";
import { Following, type TakenCounts } from "../replication/following.ts";
import type { FollowedSlot } from "../replication/slot-roles.ts";

/** What this node keeps of slots that others lead. */
export interface FollowedSlots {
  /** The slot's content; undefined when this node keeps none of it. */
  readonly followed: (slot: SlotId) => FollowedSlot | undefined;
  /** Whether the slot may take its leader's place has changed. */
  readonly syncChanged: (slot: SlotId, leaderEpoch: Epoch, isSynced: boolean) => void;
}

interface Leader {
  /** Outlives the link: what was in sync stays so when the leader dies, and is then most needed. */
  readonly following: Following;
  /** Undefined while the leader is no member of the cluster. `lives`: of both nodes, as they were when it was opened. */
  linked: { readonly lives: string; readonly link: LastingLink } | undefined;
}

export class LeaderLinks {
  readonly #nodeId: string;
  readonly #slots: FollowedSlots;
  readonly #ports: LastingLinkPorts & { readonly log: Log };
  readonly #leaders = new Map<string, Leader>();
  readonly #taken: TakenCounts = { updates: 0, contents: 0, repairs: 0, mismatches: 0, bytes: 0 };
  #table = EMPTY_SLOT_TABLE;

  constructor(nodeId: string, slots: FollowedSlots, ports: LastingLinkPorts & { readonly log: Log }) {
    this.#nodeId = nodeId;
    this.#slots = slots;
    this.#ports = ports;
  }

  /** What was taken from leaders since the node started. */
  get taken(): Readonly<TakenCounts> {
    return this.#taken;
  }

  /** How many slots are followed, and how many of them are up to date. */
  count(): { readonly followed: number; readonly inSync: number } {
    let followed = 0;
    let inSync = 0;
    for (const { following } of this.#leaders.values()) {
      followed += following.size;
      inSync += following.inSync;
    }
    return { followed, inSync };
  }

  /** Slots that this node follows and has in full. */
  synced(): Set<SlotId> {
    return new Set([...this.#leaders.values()].flatMap(({ following }) => following.synced()));
  }

  isSynced(slot: SlotId): boolean {
    const leader = this.#table.owners[slot]?.leader;
    return leader !== undefined && this.#leaders.get(leader)?.following.isSynced(slot) === true;
  }

  /** Follows what the table says, and lets go of everything else. The slots are there by then. */
  adopt({ incarnation, state }: Membership): void {
    this.#table = state.table;
    const followed = slotsFollowedIn(state.table, this.#nodeId);
    for (const [nodeId, leader] of this.#leaders) {
      if (followed.has(nodeId)) continue;
      unlink(leader);
      this.#leaders.delete(nodeId);
    }
    const members = new Map(state.members.map((member) => [member.nodeId, member]));
    for (const [nodeId, slots] of followed) {
      const leader = this.#leaders.get(nodeId) ?? this.#meet(nodeId);
      leader.following.follow(slots);
      const member = members.get(nodeId);
      if (leader.linked !== undefined && leader.linked.lives === (member && livesOf(member, incarnation))) continue;
      unlink(leader);
      if (member !== undefined) this.#link(leader, member, incarnation);
    }
  }

  sweep(now: number): void {
    for (const { following } of this.#leaders.values()) following.sweep(now);
  }

  /** Leaders that cannot be reached. */
  unreachable(now: number): string[] {
    const links = [...this.#leaders].flatMap(([nodeId, { linked }]) =>
      linked === undefined ? [] : [[nodeId, linked.link] as const],
    );
    return unreachableBy(links, now);
  }

  /** What an operator should know of each leader. */
  problems(now: number): string[] {
    return [...this.#leaders].flatMap(([nodeId, { following }]) => {
      const problem = following.problem(now);
      return problem === undefined ? [] : [`${problem} (${nodeId})`];
    });
  }

  close(): void {
    for (const leader of this.#leaders.values()) unlink(leader);
    this.#leaders.clear();
  }

  #meet(nodeId: string): Leader {
    const link = (): LastingLink | undefined => leader.linked?.link;
    const following = new Following({
      clock: this.#ports.clock,
      link: {
        get isOpen() {
          return link()?.isOpen === true;
        },
        get isCongested() {
          return link()?.isCongested === true;
        },
        send: (request: Partial<ReplicateRequest>) => link()?.send(frameFromReplicateRequest(request)),
      },
      followed: (slot) => this.#slots.followed(slot),
      syncChanged: (slot, leaderEpoch, isSynced) => this.#slots.syncChanged(slot, leaderEpoch, isSynced),
      tableEpoch: () => this.#table.epoch,
      taken: this.#taken,
    });
    const leader: Leader = { following, linked: undefined };
    this.#leaders.set(nodeId, leader);
    return leader;
  }

  #link(leader: Leader, member: Member, incarnation: number): void {
    const { nodeId, address } = member;
    const { following } = leader;
    const link = new LastingLink(REPLICATE_PATH, this.#ports, {
      address: () => address,
      opened: () => {
        link.send(frameFromReplicateRequest({ hello: { nodeId: this.#nodeId, incarnation } }));
        following.linked();
      },
      message: (bytes) => {
        this.#taken.bytes += bytes.length;
        following.receive(replicateResponseFromBytes(bytes));
      },
      drained: () => following.drained(),
      lost: (error, isNews) => {
        this.#ports.log[isNews ? "warn" : "debug"]("lost the link to a leader; its slots stay as they are", {
          member: nodeId,
          address,
          reason: error?.message ?? "closed",
        });
        following.lost();
      },
    });
    // The link asks for the state of things as soon as it is opened.
    leader.linked = { lives: livesOf(member, incarnation), link };
    link.open();
  }
}

function unlink(leader: Leader): void {
  leader.linked?.link.close();
  leader.linked = undefined;
  leader.following.lost();
}

function livesOf(member: Member, ourIncarnation: number): string {
  return `${memberKey(member)} ${ourIncarnation}`;
}
