/**
 * A node's place in the cluster. It joins through meta and stays a member while its heartbeats arrive; in return it is
 * told the state of the cluster whenever that changes. Heartbeats carry the version of the state the node has and
 * nothing more. Without meta the node goes on with the state it knows.
 */

import {
  assert,
  mayFollow,
  type ClusterState,
  type Log,
  type NodeHello,
  type RegistryError,
  type Timer,
} from "@rollcall/core";
import { JOIN_PATH, frameFromJoinRequest, joinResponseFromBytes } from "@rollcall/protocol";

import { LastingLink, type LastingLinkPorts } from "./lasting-link.ts";

export interface MetaLinkOptions {
  /** Addresses of the metas, `host:port`, tried in turn. */
  readonly metas: readonly string[];
  readonly hello: Omit<NodeHello, "address" | "incarnation">;
  /** Time between heartbeats in milliseconds. The lease at meta is three of them, so two may be lost. */
  readonly heartbeatMs: number;
}

export const DEFAULT_HEARTBEAT_MS = 1_000;

/** Heartbeats without an answer after which the link is taken for dead, though nobody has closed it. */
const UNANSWERED_MAX = 3;

export interface Membership {
  readonly incarnation: number;
  readonly state: ClusterState;
}

export class MetaLink {
  readonly #options: MetaLinkOptions;
  readonly #ports: LastingLinkPorts & { readonly log: Log };
  readonly #link: LastingLink;
  readonly #changed: (membership: Membership) => void;
  #membership: Membership | undefined;
  #address = "";
  #nextMeta: number;
  #unanswered = 0;
  #heartbeat: Timer | undefined;

  /** @param changed called with every newer state of the cluster, and first when the node has joined */
  constructor(
    options: MetaLinkOptions,
    ports: LastingLinkPorts & { readonly log: Log },
    changed: (membership: Membership) => void,
  ) {
    assert(options.metas.length > 0, "a node knows at least one meta");
    this.#options = options;
    this.#ports = ports;
    this.#changed = changed;
    this.#nextMeta = Math.floor(ports.random.next() * options.metas.length);
    this.#link = new LastingLink(JOIN_PATH, ports, {
      address: () => this.#options.metas[this.#nextMeta++ % this.#options.metas.length]!,
      opened: () => this.#sendHello(),
      message: (bytes) => this.#receive(bytes),
      lost: (error) => this.#lost(error),
    });
  }

  get membership(): Membership | undefined {
    return this.#membership;
  }

  /** True while a meta answers. */
  get isJoined(): boolean {
    return this.#link.isProven;
  }

  /** @param address `host:port` by which others reach this node */
  open(address: string): void {
    this.#address = address;
    this.#link.open();
    this.#scheduleHeartbeat();
  }

  /** Stops beating and tells meta that the node leaves, so that nobody waits for its lease to end. */
  leave(): void {
    this.#heartbeat?.cancel();
    this.#link.send(frameFromJoinRequest({ hello: undefined, stateVersion: this.#stateVersion(), leaving: true }));
    this.#link.close();
  }

  #stateVersion(): number {
    return this.#membership?.state.version ?? 0;
  }

  #sendHello(): void {
    this.#unanswered = 0;
    const hello = { ...this.#options.hello, address: this.#address, incarnation: this.#membership?.incarnation ?? 0 };
    this.#link.send(frameFromJoinRequest({ hello, stateVersion: this.#stateVersion(), leaving: false }));
  }

  #scheduleHeartbeat(): void {
    this.#heartbeat = this.#ports.clock.setTimer(this.#options.heartbeatMs, () => {
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
    this.#link.send(frameFromJoinRequest({ hello: undefined, stateVersion: this.#stateVersion(), leaving: false }));
  }

  #receive(bytes: Uint8Array): void {
    const { incarnation, state } = joinResponseFromBytes(bytes);
    this.#unanswered = 0;
    if (state === undefined) return;
    const known = this.#membership?.state;
    if (known !== undefined) {
      if (known.clusterId !== state.clusterId) {
        this.#ports.log.error("meta belongs to another cluster; its state is ignored", {
          known: known.clusterId,
          told: state.clusterId,
        });
        return;
      }
      if (state.version <= known.version) return;
      // The table may be the one we have; what it may never be is an older one.
      if (state.table.epoch !== known.table.epoch)
        assert(mayFollow(known.table, state.table), "a newer cluster state has no older slot table");
    }
    this.#membership = { incarnation, state };
    this.#changed(this.#membership);
  }

  #lost(error: RegistryError | undefined): void {
    this.#ports.log.warn("lost meta; going on with the cluster as last known", { reason: error?.message ?? "closed" });
  }
}
