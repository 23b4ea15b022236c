/**
 * The cluster as meta decides it: members in, state out. Every change of the members, and of what followers have in full,
 * leads to a new assignment of the slots; the new state is stored first and told to the nodes when it is durable, so no
 * node ever acts on a table that a restarted meta would not know. Changes that come while a write is on its way are
 * stored together by the next one.
 */

import {
  EMPTY_SLOT_TABLE,
  RegistryError,
  type Clock,
  type ClusterState,
  type Log,
  type Member,
  type NodeHello,
  type Random,
  type SlotId,
  type Timer,
} from "@rollcall/core";

import { restore, type Backup } from "../backup/restored.ts";
import { Departed } from "../membership/departed.ts";
import { checkFit } from "../membership/fit.ts";
import { Members, type KnownMember } from "../membership/members.ts";
import { Reachability } from "../membership/reachability.ts";
import { Steadiness } from "../membership/steadiness.ts";
import { MOVES_MAX, assignSlots, type AssignOptions, type Assignment } from "../slots/assign.ts";
import { SyncedSlots } from "../slots/synced-slots.ts";
import { movesBetween, stateFromRecord } from "./cluster-state.ts";
import { DurableRecord } from "./durable-record.ts";
import { Controls, type ControlCodec } from "../controls/controls.ts";
import type { Leadership, MetaRecord, StoredControls } from "../store/meta-store.ts";

export interface ClusterOptions {
  /** How long a node stays a member without a heartbeat, in milliseconds. */
  readonly nodeLeaseMs: number;
  /** How many data nodes hold each slot, as far as there are so many. */
  readonly replicas?: number;
  /** With fewer live data nodes no slot is given to another. */
  readonly dataNodesMin?: number;
}

const DEFAULT_REPLICAS = 2;

/** How often leases are looked at, in milliseconds. */
const SWEEP_MS = 250;

/**
 * A look at the leases that comes later than this, in milliseconds, says that it is meta that stood still: heartbeats may
 * have waited as well, so that nobody's lease has ended as far as can be known.
 */
const STOOD_STILL_MS = 1_000;

/** Pause before a round in which nothing has to be mended, in milliseconds. */
export const ROUND_PAUSE_MS = 100;

export interface ClusterPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Under which this meta acts. */
  readonly leadership: Leadership;
  readonly readControls: () => Promise<StoredControls>;
  /** Whether somebody takes connections at `host:port`. */
  readonly reaches?: ((address: string) => Promise<boolean>) | undefined;
  readonly controlCodec: ControlCodec;
  /** From which a cluster is made when nothing is stored; undefined when there is none. */
  readonly readBackup?: (() => Promise<Backup>) | undefined;
  /** Operators have decided something. */
  readonly controlsChanged: () => void;
}

export class Cluster {
  readonly controls: Controls;
  readonly #ports: ClusterPorts;
  readonly #assignOptions: AssignOptions;
  readonly #members: Members;
  readonly #departed: Departed;
  readonly #announce: (state: ClusterState) => void;
  readonly #clusterId: string;
  readonly #restarted = new Set<string>();
  readonly #steadiness = new Steadiness();
  readonly #synced = new SyncedSlots();
  #assignment: Assignment;
  #moves = 0;
  /** The newest durable state. */
  #state: ClusterState;
  readonly #durable: DurableRecord;
  readonly #reachability: Reachability;
  #sweep: Timer | undefined;
  #round: Timer | undefined;

  private constructor(
    options: ClusterOptions,
    ports: ClusterPorts,
    stored: MetaRecord,
    controls: StoredControls,
    announce: (state: ClusterState) => void,
  ) {
    const { replicas = DEFAULT_REPLICAS, dataNodesMin = 1, nodeLeaseMs } = options;
    const now = ports.clock.now();
    this.#ports = ports;
    this.#assignOptions = { replicas, dataNodesMin, movesMax: MOVES_MAX };
    this.#members = new Members({ leaseMs: nodeLeaseMs }, stored, now);
    this.#departed = new Departed(stored.departed, now);
    this.#state = stateFromRecord(stored);
    this.#clusterId = stored.clusterId;
    this.#assignment = { table: stored.table, balancing: false };
    this.#announce = announce;
    const { clock, log, leadership, controlCodec: codec } = ports;
    const written = (record: MetaRecord, isLast: boolean): void => this.#written(record, isLast);
    this.#durable = new DurableRecord({ log, leadership, next: () => this.#record(), written });
    this.#reachability = new Reachability({ clock, reaches: ports.reaches, changed: () => this.#change() });
    this.controls = new Controls(controls, { clock, log, leadership, codec }, () => {
      this.#decided();
      ports.controlsChanged();
    });
  }

  /** Takes up the cluster as stored or as in the backup, or founds it. @param announce called with each newer durable state */
  static async open(
    options: ClusterOptions,
    ports: ClusterPorts,
    announce: (state: ClusterState) => void,
  ): Promise<Cluster> {
    const stored = (await ports.leadership.read()) ??
      (await restore(ports)) ?? {
        clusterId: ports.random.id(),
        version: 0,
        lastIncarnation: 0,
        members: [],
        departed: [],
        table: EMPTY_SLOT_TABLE,
      };
    const cluster = new Cluster(options, ports, stored, await ports.readControls(), announce);
    cluster.#change();
    cluster.#scheduleSweep();
    return cluster;
  }

  get state(): ClusterState {
    return this.#state;
  }

  /** True while everything that has happened is in the durable state, and nobody else can have changed that. */
  get isCurrent(): boolean {
    return this.#durable.isIdle && this.#ports.leadership.isValid();
  }

  /** For operators: how the slots are, and how many were given from one node to another since this meta started. */
  slots(): { readonly leaderless: number; readonly unsynced: number; readonly moves: number } {
    const { table } = this.#assignment;
    const live = new Set<string | undefined>(this.#dataNodes().map(({ nodeId }) => nodeId));
    const leaderless = table.owners.filter(({ leader }) => !live.has(leader)).length;
    return { leaderless, unsynced: this.#synced.unsynced(table), moves: this.#moves };
  }

  /** @throws RegistryError `invalid_field` when the node does not fit, `conflict` when another one has its name. */
  join(hello: NodeHello): KnownMember {
    checkFit(hello, { clusterId: this.#clusterId, replicas: this.#assignOptions.replicas });
    const present = this.#members.present(hello.nodeId);
    if (present !== undefined && hello.incarnation > 0 && hello.incarnation < present.incarnation)
      throw replacedBy(present);
    const now = this.#ports.clock.now();
    const { member, as, replaced } = this.#members.join(hello, now);
    if (as === "described") this.#change();
    else if (as !== "same") {
      const { nodeId, role, address, incarnation } = member;
      this.#ports.log.info("node joined", { member: nodeId, memberRole: role, address, incarnation, as });
      if (as === "restarted") this.#steadiness.vanished(member.nodeId, now);
      const unsteadyMs = this.#steadiness.joined(member.nodeId, as === "back" ? "back" : "new", now);
      if (unsteadyMs > 0)
        this.#ports.log.warn("a node comes and goes; it is given no slots for a while", {
          member: member.nodeId,
          unsteadyMs,
        });
      if (as === "back") this.#departed.back(member);
      else {
        // A new node has no memory either of what the table may say of its earlier lives.
        this.#restarted.add(member.nodeId);
        this.#synced.forget(member.nodeId);
      }
      if (replaced !== undefined) this.#departed.add(replaced, now);
      this.#reachability.joined(member);
      this.#change();
    }
    return member;
  }

  /** Whether that life of the node is a member. */
  isMember({ nodeId, incarnation }: KnownMember): boolean {
    return this.#members.present(nodeId)?.incarnation === incarnation;
  }

  /** False when the member's lease has ended: it has to join again. */
  renew(member: KnownMember): boolean {
    return this.#members.renew(member, this.#ports.clock.now());
  }

  /** Takes in which slots a follower has in full, by the state with that version. */
  reportSynced(nodeId: string, stateVersion: number, synced: ReadonlySet<SlotId>): void {
    if (stateVersion !== this.#state.version) return;
    const tables = { told: this.#state.table, present: this.#assignment.table };
    if (this.#synced.report(nodeId, synced, tables)) this.#goOn();
  }

  /** Takes in whether a node was told to stop, so that it has to be rid of its slots first. */
  reportStopping({ nodeId }: KnownMember, isStopping: boolean): void {
    if (!this.#members.reportStopping(nodeId, isStopping)) return;
    if (isStopping) this.#ports.log.info("node hands its slots over before it stops", { member: nodeId });
    this.#change();
  }

  /** Takes in whom a node cannot reach. */
  reportUnreachable({ nodeId }: KnownMember, unreachable: readonly string[]): void {
    this.#reachability.report(nodeId, unreachable);
  }

  leave(member: KnownMember): void {
    if (!this.#members.leave(member)) return;
    this.#ports.log.info("node left", { member: member.nodeId, memberRole: member.role });
    this.#gone(member);
    this.#change();
  }

  /** Decides nothing any more. */
  close(): void {
    this.#durable.close();
    this.#reachability.close();
    this.#sweep?.cancel();
    this.#round?.cancel();
  }

  #scheduleSweep(): void {
    const due = this.#ports.clock.now() + SWEEP_MS;
    this.#sweep = this.#ports.clock.setTimer(SWEEP_MS, () => {
      this.#sweepLeases(due);
      this.#scheduleSweep();
    });
  }

  #sweepLeases(due: number): void {
    const now = this.#ports.clock.now();
    if (now - due > STOOD_STILL_MS) {
      this.#ports.log.warn("meta stood still; every node gets a whole lease", { lateMs: Math.round(now - due) });
      this.#members.renewAll(now);
    }
    this.controls.sweep(now);
    const expired = this.#members.expire(now);
    for (const member of expired) {
      this.#ports.log.warn("lease of node ended", { member: member.nodeId, memberRole: member.role });
      this.#steadiness.vanished(member.nodeId, now);
      this.#gone(member);
    }
    const forgotten = this.#departed.expire(now);
    const steadied = this.#steadiness.expire(now);
    if (expired.length > 0 || forgotten || steadied || this.#durable.hasFailed) this.#change();
  }

  #gone(member: KnownMember): void {
    this.#departed.add(member, this.#ports.clock.now());
    this.#synced.forget(member.nodeId);
    this.#reachability.gone(member.nodeId);
  }

  /** An operator has decided something, or it has ended. */
  #decided(): void {
    const drains = (member: Member): boolean => (member.draining ?? false) !== this.#drains(member);
    if (this.#state.members.some(drains)) this.#change();
    else this.#goOn();
  }

  #drains({ nodeId, role }: Member): boolean {
    return role === "data" && (this.#members.isStopping(nodeId) || this.controls.has({ kind: "node drain", nodeId }));
  }

  /** Something has changed of which every node is to know. */
  #change(): void {
    this.#assign();
    this.#durable.writeSoon();
  }

  /**
   * Another round of the assignment, which may find nothing to do. Nothing is broken, so it has time: what followers
   * report meanwhile goes into one table, which every node is sent, and not into many.
   */
  #goOn(): void {
    this.#round ??= this.#ports.clock.setTimer(ROUND_PAUSE_MS, () => {
      this.#round = undefined;
      if (this.#assign()) this.#durable.writeSoon();
    });
  }

  #assign(): boolean {
    const before = this.#assignment.table;
    const nodes = this.#dataNodes().map((member) => ({
      nodeId: member.nodeId,
      restarted: this.#restarted.has(member.nodeId),
      steady: this.#steadiness.isSteady(member.nodeId),
      draining: this.#drains(member),
      synced: this.#synced.of(member.nodeId, before),
    }));
    const evens = !this.controls.has({ kind: "rebalance off" });
    this.#assignment = assignSlots(this.#assignment, nodes, { ...this.#assignOptions, evens });
    this.#restarted.clear();
    const { table } = this.#assignment;
    if (table === before) return false;
    this.#synced.prune(table);
    this.#moves += movesBetween(before, table);
    return true;
  }

  #dataNodes(): KnownMember[] {
    return this.#members.list().filter(({ role }) => role === "data");
  }

  #record(): MetaRecord {
    return {
      clusterId: this.#clusterId,
      version: this.#state.version + 1,
      members: this.#members.list().map((member) => ({
        ...member,
        draining: this.#drains(member),
        unsteady: member.role === "data" && !this.#steadiness.isSteady(member.nodeId),
        unreachableFrom: this.#reachability.unreachableFrom(member.nodeId),
      })),
      table: this.#assignment.table,
      departed: this.#departed.list(),
      lastIncarnation: this.#members.lastIncarnation,
    };
  }

  #written(record: MetaRecord, isLast: boolean): void {
    this.#state = stateFromRecord(record);
    this.#announce(this.#state);
    // What a round has left because too much was on the move, the next one may do.
    if (isLast) this.#goOn();
  }
}

/** To a process that is a member no more because another one was started under its name. */
function replacedBy({ nodeId, address }: KnownMember): RegistryError {
  return new RegistryError("conflict", `${nodeId} is the name of a node at ${address} that was started later`, {
    subject: { field: "node_id", limit: "a name of its own", value: nodeId },
  });
}
