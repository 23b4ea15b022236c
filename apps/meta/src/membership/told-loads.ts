/**
 * How many clients each session has, as the sessions say with their heartbeats and as meta tells all of them. That is no
 * part of the cluster's state: nothing is decided by it, nobody is harmed when it is old, and it is not stored. So it is
 * told only when one of the numbers has changed markedly, and changes within a moment are told together.
 */

import { differsMarkedly, type Clock, type Loads, type NodeLoad, type Random, type Timer } from "@rollcall/core";

/** A load that has changed by less than this share is no news. */
const MARKED_SHARE = 0.05;

/** How long changes are gathered, in milliseconds: less than a heartbeat, in which most sessions speak. */
export const TELL_PAUSE_MS = 250;

export interface ToldLoadsPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly isMember: (nodeId: string) => boolean;
  /** There is another version to be told. */
  readonly changed: () => void;
}

export class ToldLoads {
  readonly #ports: ToldLoadsPorts;
  /** As last said, by node id. */
  readonly #reported = new Map<string, NodeLoad>();
  #present: Loads;
  #timer: Timer | undefined;

  constructor(ports: ToldLoadsPorts) {
    this.#ports = ports;
    // Random, so that what an earlier life of this meta has told is not taken for this.
    this.#present = { version: Math.floor(ports.random.next() * 2 ** 48) + 1, nodes: [] };
  }

  /** What the sessions are to know. */
  get present(): Loads {
    return this.#present;
  }

  /** As last said; the version is that of what the sessions are to know, and so changes markedly only. */
  get newest(): Loads {
    return { version: this.#present.version, nodes: [...this.#reported.values()] };
  }

  report(nodeId: string, { clients, draining }: Omit<NodeLoad, "nodeId">): void {
    this.#reported.set(nodeId, { nodeId, clients, draining });
    const told = this.#present.nodes.find((load) => load.nodeId === nodeId);
    const isNews =
      told === undefined || told.draining !== draining || differsMarkedly(told.clients, clients, MARKED_SHARE);
    if (isNews) this.#timer ??= this.#ports.clock.setTimer(TELL_PAUSE_MS, () => this.#change());
  }

  close(): void {
    this.#timer?.cancel();
  }

  #change(): void {
    this.#timer = undefined;
    for (const nodeId of this.#reported.keys()) if (!this.#ports.isMember(nodeId)) this.#reported.delete(nodeId);
    this.#present = { version: this.#present.version + 1, nodes: [...this.#reported.values()] };
    this.#ports.changed();
  }
}
