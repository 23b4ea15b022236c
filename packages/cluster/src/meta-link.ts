/**
 * A node's place in the cluster. It joins through meta and stays a member while its heartbeats arrive; in return it is
 * told the state of the cluster whenever that changes, and what operators have decided. Heartbeats carry the versions of both that the node has,
 * and which slots it follows in full. Each is counted, and its count comes back with the answer, so that the node can tell as of
 * when what it knows is true. Without meta the node goes on with the state it knows.
 */

import {
  SLOT_COUNT,
  SLOT_HASH,
  SOFTWARE_VERSION,
  assert,
  mayFollow,
  oncePerTurn,
  type ClusterState,
  type JoinRequest,
  type JoinResponse,
  type LoadReport,
  type Log,
  type NodeHello,
  type NodeLoad,
  type RegistryError,
  type SlotId,
  type Timer,
  type UsageReport,
} from "@rollcall/core";
import { JOIN_PATH, frameFromJoinRequest, joinResponseFromBytes } from "@rollcall/protocol";

import type { ControlSet } from "./control-set.ts";
import { LastingLink, type LastingLinkPorts } from "./lasting-link.ts";
import { Refusal } from "./refusal.ts";

/** What any node but meta is told of its place in the cluster. */
export interface JoiningNode {
  readonly nodeId: string;
  /** Addresses of the metas, `host:port`, tried in turn. */
  readonly metas: readonly string[];
  /** Time between heartbeats to meta, in milliseconds. The lease there is three of them, so two may be lost. */
  readonly heartbeatMs: number;
  /** The cluster that the node is meant for; by default whichever its metas are of. */
  readonly clusterId?: string | undefined;
  /** Where it runs, for people. */
  readonly zone?: string | undefined;
}

export interface MetaLinkOptions {
  readonly node: JoiningNode;
  readonly hello: Pick<NodeHello, "startId" | "role"> & { readonly replicas?: number | undefined };
  /** Meta will not have this node, now or later: it is of no use that it goes on. */
  readonly refused?: ((why: RegistryError) => void) | undefined;
  /** Of a data node: the slots it follows and has in full, under the leader epochs of the state it has; none by default. */
  readonly synced?: () => ReadonlySet<SlotId>;
  /** Of a data node: whether it was told to stop, and wants to be rid of its slots first. */
  readonly draining?: () => boolean;
  /** Of a data node: what is registered in namespaces with a quota; undefined while there are none. */
  readonly usage?: () => UsageReport | undefined;
  /** Of a data node: called with what the other data nodes have of that, whenever meta tells it. */
  readonly usageTold?: (elsewhere: UsageReport) => void;
  /** Ids of nodes that this one cannot reach. By default none. */
  readonly unreachable?: () => readonly string[];
  /** Of a session: its load, which goes with every message. */
  readonly load?: () => Omit<LoadReport, "known">;
  /** Of a session: called with the loads of all, whenever meta tells them. */
  readonly loadsChanged?: (loads: readonly NodeLoad[]) => void;
  /** What operators have decided is taken in there. The node joins when it has that. */
  readonly controls: ControlSet;
}

export const DEFAULT_HEARTBEAT_MS = 1_000;

/** Heartbeats without an answer after which the link is taken for dead, though nobody has closed it. */
const UNANSWERED_MAX = 3;

/** Messages of which the time of sending is remembered. Of older ones, it is only not known how new the answer is. */
const SENT_MAX = 64;

export interface Membership {
  readonly incarnation: number;
  readonly state: ClusterState;
}

export class MetaLink {
  readonly #options: MetaLinkOptions;
  readonly #ports: LastingLinkPorts & { readonly log: Log };
  readonly #link: LastingLink;
  readonly #changed: (membership: Membership) => void;
  readonly #synced: () => ReadonlySet<SlotId>;
  readonly #reportSoon: () => void;
  #membership: Membership | undefined;
  #address = "";
  #nextMeta: number;
  /** The meta that leads, as one that does not has said; asked next, and once. */
  #leader: string | undefined;
  /** Heartbeats since the last answer; other messages are not counted, for many may be on their way at once. */
  #unanswered = 0;
  /** Something was sent on this link since the last answer. */
  #awaitsAnswer = false;
  /** What is synced, or the load, has changed since it was last said. */
  #reportIsDue = false;
  /** Messages sent on this link. */
  #count = 0;
  /** Messages of this link that are not known to have been taken in, the oldest first. */
  #sent: { readonly count: number; readonly atMs: number }[] = [];
  #currentAsOf = -Infinity;
  readonly #refusal = new Refusal();
  /** Version of the newest loads that were told. */
  #knownLoads = 0;
  #heartbeat: Timer | undefined;

  /** @param changed called with every newer state of the cluster, and first when the node has joined */
  constructor(
    options: MetaLinkOptions,
    ports: LastingLinkPorts & { readonly log: Log },
    changed: (membership: Membership) => void,
  ) {
    assert(options.node.metas.length > 0, "a node knows at least one meta");
    this.#options = options;
    this.#ports = ports;
    this.#changed = changed;
    this.#synced = options.synced ?? (() => new Set());
    this.#reportSoon = oncePerTurn(ports.clock, () => this.#reportIfDue());
    this.#nextMeta = Math.floor(ports.random.next() * options.node.metas.length);
    this.#link = new LastingLink(JOIN_PATH, ports, {
      // A meta that begins to lead gives a lease, and it may be the third that is asked.
      pauseMaxMs: options.node.heartbeatMs / 4,
      address: () => this.#nextAddress(),
      opened: () => this.#sendHello(),
      message: (bytes) => this.#receive(bytes),
      lost: (error, isNews) => this.#lost(error, isNews),
    });
  }

  get membership(): Membership | undefined {
    return this.#membership;
  }

  /** True while a meta answers. */
  get isJoined(): boolean {
    return this.#link.isProven;
  }

  /** What others have to say of this node that keeps it from doing its work. */
  get problems(): string[] {
    const { nodeId } = this.#options.node;
    const member = this.#membership?.state.members.find((each) => each.nodeId === nodeId);
    const from = member?.unreachableFrom ?? [];
    return from.length === 0 ? [] : [`cannot be reached at ${this.#address} from ${from.join(", ")}`];
  }

  /** What keeps a node that has never joined from doing its work. */
  get whyNotJoined(): string {
    const { why } = this.#refusal;
    return `has not joined the cluster${why === undefined ? "" : `: ${why}`}`;
  }

  /**
   * Clock time in milliseconds: the cluster was as {@link membership} says then or at some time after. It is when the
   * newest message was sent that meta has answered; before any, -Infinity.
   */
  get currentAsOf(): number {
    return this.#currentAsOf;
  }

  /** @param address `host:port` by which others reach this node */
  open(address: string): void {
    this.#address = address;
    this.#link.open();
    this.#scheduleHeartbeat();
  }

  /** Asks meta now whether there is a newer state, unless an answer is awaited that will say so. */
  refresh(): void {
    if (!this.#awaitsAnswer) this.#renewNow();
  }

  /** What is synced, or the load, has changed: meta is told at once, or when it has answered what it was told last. */
  report(): void {
    this.#reportIsDue = true;
    this.#reportSoon();
  }

  /** Stops beating and tells meta that the node leaves, so that nobody waits for its lease to end. */
  leave(): void {
    this.#heartbeat?.cancel();
    this.#say({ leaving: true });
    this.#link.close();
  }

  #nextAddress(): string {
    const { metas } = this.#options.node;
    const address = this.#leader ?? metas[this.#nextMeta++ % metas.length]!;
    this.#leader = undefined;
    return address;
  }

  #stateVersion(): number {
    return this.#membership?.state.version ?? 0;
  }

  #sendHello(): void {
    this.#unanswered = 0;
    this.#count = 0;
    this.#sent = [];
    const { node, hello } = this.#options;
    this.#say({
      hello: {
        nodeId: node.nodeId,
        startId: hello.startId,
        role: hello.role,
        address: this.#address,
        incarnation: this.#membership?.incarnation ?? 0,
        slotCount: SLOT_COUNT,
        hash: SLOT_HASH,
        clusterId: this.#membership?.state.clusterId ?? node.clusterId ?? "",
        replicas: hello.replicas ?? 0,
        zone: node.zone ?? "",
        software: SOFTWARE_VERSION,
      },
    });
  }

  #renewNow(): void {
    if (this.#link.isOpen) this.#say({});
  }

  #say({ hello, leaving = false }: Partial<Pick<JoinRequest, "hello" | "leaving">>): void {
    const count = ++this.#count;
    this.#sent.push({ count, atMs: this.#ports.clock.now() });
    if (this.#sent.length > SENT_MAX) this.#sent.shift();
    this.#awaitsAnswer = true;
    this.#reportIsDue = false;
    const { version: controlsVersion, received: controlsReceived } = this.#options.controls;
    this.#link.send(
      frameFromJoinRequest({
        hello,
        stateVersion: this.#stateVersion(),
        leaving,
        sequence: count,
        synced: this.#synced(),
        load: this.#options.load && { ...this.#options.load(), known: this.#knownLoads },
        draining: this.#options.draining?.() ?? false,
        usage: this.#options.usage?.(),
        unreachable: this.#options.unreachable?.() ?? [],
        controlsVersion,
        controlsReceived,
      }),
    );
  }

  #reportIfDue(): void {
    if (this.#reportIsDue && !this.#awaitsAnswer) this.#renewNow();
  }

  #scheduleHeartbeat(): void {
    this.#heartbeat = this.#ports.clock.setTimer(this.#options.node.heartbeatMs, () => {
      this.#renew();
      this.#scheduleHeartbeat();
    });
  }

  #renew(): void {
    if (this.#unanswered >= UNANSWERED_MAX) {
      this.#link.restart(`meta has not answered ${UNANSWERED_MAX} heartbeats`);
      return;
    }
    this.#unanswered++;
    this.#renewNow();
  }

  #receive(bytes: Uint8Array): void {
    const response = joinResponseFromBytes(bytes);
    if (response.leader !== undefined) {
      this.#leader = response.leader;
      this.#link.reject(`the meta at ${response.leader} leads`);
      return;
    }
    this.#unanswered = 0;
    this.#awaitsAnswer = false;
    this.#refusal.clear();
    const known = this.#membership?.state.version;
    // Whichever cluster it is of: what is told there of nodes that are not members here has no effect.
    this.#takeLoads(response);
    if (response.usage !== undefined) this.#options.usageTold?.(response.usage);
    this.#takeControls(response);
    if (this.#takeIn(response)) this.#noteAnswer(response.sequence);
    // What was said of an older state did not count. A node that follows nothing has nothing to say.
    if (this.#membership?.state.version !== known && this.#synced().size > 0) this.#reportIsDue = true;
    if (this.#reportIsDue) this.#reportSoon();
  }

  #takeLoads({ loads }: JoinResponse): void {
    if (loads === undefined || loads.version === this.#knownLoads) return;
    this.#knownLoads = loads.version;
    this.#options.loadsChanged?.(loads.nodes);
  }

  #takeControls({ controls: part, state }: JoinResponse): void {
    const clusterId = this.#membership?.state.clusterId ?? state?.clusterId;
    if (part === undefined || part.clusterId !== clusterId) return;
    const { controls } = this.#options;
    const before = controls.received;
    // Meta waits to be told that the node acts by it, or that it has come to the end of a part.
    if (controls.take(part) || controls.received !== before) this.#reportIsDue = true;
  }

  /** False when the answer comes from a meta that knows less than this node, or of another cluster. */
  #takeIn({ incarnation, state, controls }: JoinResponse): boolean {
    const known = this.#membership?.state;
    if (state === undefined) return known !== undefined;
    // It will be told again, with what is missing of the control records.
    if (known === undefined && controls !== undefined && controls.version > this.#options.controls.version)
      return false;
    if (known !== undefined) {
      if (known.clusterId !== state.clusterId) {
        this.#ports.log.error("meta belongs to another cluster; its state is ignored", {
          known: known.clusterId,
          told: state.clusterId,
        });
        return false;
      }
      if (state.version <= known.version) return state.version === known.version;
      // The table may be the one we have; what it may never be is an older one.
      if (state.table.epoch !== known.table.epoch)
        assert(mayFollow(known.table, state.table), "a newer cluster state has no older slot table");
    }
    const before = this.problems.join();
    this.#membership = { incarnation, state };
    const [problem] = this.problems;
    if (problem !== undefined && problem !== before)
      this.#ports.log.warn("others cannot reach this node", { why: problem });
    this.#changed(this.#membership);
    return true;
  }

  #noteAnswer(count: number): void {
    while (this.#sent.length > 0 && this.#sent[0]!.count <= count) this.#currentAsOf = this.#sent.shift()!.atMs;
  }

  #lost(error: RegistryError | undefined, isNews: boolean): void {
    const isMember = this.#membership !== undefined;
    const refused = error && this.#refusal.heard(error, { isMember, now: this.#ports.clock.now() });
    if (refused?.isNews)
      this.#ports.log.error("meta refuses this node", { reason: error!.reason, why: error!.message });
    if (refused?.isForGood) this.#options.refused?.(error!);
    if (refused !== undefined) return;
    this.#ports.log[isNews ? "warn" : "debug"]("lost meta; going on with the cluster as last known", {
      reason: error?.message ?? "closed",
    });
  }
}
