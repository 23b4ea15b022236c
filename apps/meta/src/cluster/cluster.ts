/**
 * The cluster as meta decides it: members in, state out. Every change of the members leads to a new assignment of the
 * slots; the new state is stored first and told to the nodes when it is durable, so no node ever acts on a table that a
 * restarted meta would not know. Changes that come while a write is on its way are stored together by the next one.
 */

import {
  EMPTY_SLOT_TABLE,
  type Clock,
  type ClusterState,
  type Log,
  type Member,
  type NodeHello,
  type Random,
  type SlotTable,
  type Timer,
} from "@rollcall/core";

import { Members, type KnownMember } from "../membership/members.ts";
import { assignSlots } from "../slots/assign.ts";
import type { MetaStore } from "../store/meta-store.ts";

export interface ClusterOptions {
  /** How long a node stays a member without a heartbeat, in milliseconds. */
  readonly nodeLeaseMs: number;
}

/** How often leases are looked at, in milliseconds. */
const SWEEP_MS = 250;

export interface ClusterPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly store: MetaStore;
}

export class Cluster {
  readonly #ports: ClusterPorts;
  readonly #members: Members;
  readonly #announce: (state: ClusterState) => void;
  readonly #clusterId: string;
  readonly #restarted = new Set<string>();
  #table: SlotTable;
  /** The newest durable state. */
  #state: ClusterState;
  #storing: "idle" | "writing" | "writing, with more to come" | "failed" = "idle";
  #sweep: Timer | undefined;

  private constructor(
    ports: ClusterPorts,
    members: Members,
    state: ClusterState,
    announce: (state: ClusterState) => void,
  ) {
    this.#ports = ports;
    this.#members = members;
    this.#state = state;
    this.#clusterId = state.clusterId;
    this.#table = state.table;
    this.#announce = announce;
  }

  /** Takes up the cluster as stored, or founds it. @param announce called with each newer durable state */
  static async open(
    options: ClusterOptions,
    ports: ClusterPorts,
    announce: (state: ClusterState) => void,
  ): Promise<Cluster> {
    const stored = (await ports.store.read()) ?? {
      clusterId: ports.random.id(),
      version: 0,
      lastIncarnation: 0,
      members: [],
      table: EMPTY_SLOT_TABLE,
    };
    const members = new Members({ leaseMs: options.nodeLeaseMs }, stored, ports.clock.now());
    const cluster = new Cluster(ports, members, { ...stored, members: stored.members.map(memberFromKnown) }, announce);
    cluster.#change();
    cluster.#scheduleSweep();
    return cluster;
  }

  get state(): ClusterState {
    return this.#state;
  }

  join(hello: NodeHello): KnownMember {
    const { member, as } = this.#members.join(hello, this.#ports.clock.now());
    if (as !== "same") {
      this.#ports.log.info("node joined", {
        member: member.nodeId,
        memberRole: member.role,
        address: member.address,
        incarnation: member.incarnation,
        as,
      });
      if (as === "restarted") this.#restarted.add(member.nodeId);
      this.#change();
    }
    return member;
  }

  /** False when the member's lease has ended: it has to join again. */
  renew(member: KnownMember): boolean {
    return this.#members.renew(member, this.#ports.clock.now());
  }

  leave(member: KnownMember): void {
    if (!this.#members.leave(member)) return;
    this.#ports.log.info("node left", { member: member.nodeId, memberRole: member.role });
    this.#change();
  }

  async close(): Promise<void> {
    this.#sweep?.cancel();
    await this.#ports.store.close();
  }

  #scheduleSweep(): void {
    this.#sweep = this.#ports.clock.setTimer(SWEEP_MS, () => {
      const expired = this.#members.expire(this.#ports.clock.now());
      for (const member of expired)
        this.#ports.log.warn("lease of node ended", { member: member.nodeId, memberRole: member.role });
      if (expired.length > 0 || this.#storing === "failed") this.#change();
      this.#scheduleSweep();
    });
  }

  #change(): void {
    const live = this.#members.list().filter(({ role }) => role === "data");
    this.#table = assignSlots(this.#table, { live: live.map(({ nodeId }) => nodeId), restarted: this.#restarted });
    this.#restarted.clear();
    if (this.#storing === "idle" || this.#storing === "failed") void this.#store();
    else this.#storing = "writing, with more to come";
  }

  async #store(): Promise<void> {
    do {
      this.#storing = "writing";
      const members = this.#members.list();
      const state: ClusterState = {
        clusterId: this.#clusterId,
        version: this.#state.version + 1,
        members: members.map(memberFromKnown),
        table: this.#table,
      };
      try {
        await this.#ports.store.write({ ...state, members, lastIncarnation: this.#members.lastIncarnation });
      } catch (thrown) {
        // What is not durable is not told to anyone. The next change, or the next sweep, tries again.
        this.#ports.log.error("meta's store cannot be written; the cluster stays as it is", { reason: String(thrown) });
        this.#storing = "failed";
        return;
      }
      this.#state = state;
      this.#announce(state);
    } while (this.#hasMoreToStore());
    this.#storing = "idle";
  }

  #hasMoreToStore(): boolean {
    return this.#storing === "writing, with more to come";
  }
}

function memberFromKnown({ nodeId, incarnation, role, address }: KnownMember): Member {
  return { nodeId, incarnation, role, address };
}
