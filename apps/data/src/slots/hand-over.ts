/**
 * How a data node that was told to stop gets rid of its slots. It tells meta, which gives them to other nodes once these
 * have all of them; until then it serves. So nobody waits for a new leader, and each slot is held by as many nodes as
 * before. It is no condition for stopping: when there is nobody to take the slots, or meta does not answer, or the time is
 * over, the node leaves as it is, and whoever follows its slots takes over then.
 *
 *     staying --begin--> handing over --owns nothing, or in vain--> ended
 */

import type { Clock, ClusterState, Timer } from "@rollcall/core";

export interface HandOverPorts {
  readonly clock: Clock;
  /** The cluster as last known. */
  readonly state: () => ClusterState | undefined;
  /** Whether a meta answers. */
  readonly isJoined: () => boolean;
}

/** How it went: in the words of the log. */
export type HandOverEnd = "all slots are with others" | "nobody takes them" | "meta does not answer" | "time is over";

/** How often it is looked at without news, in milliseconds. */
const LOOK_MS = 100;

/** How long meta may be away, in milliseconds: another one leads sooner than that if the one that led has stopped. */
const META_AWAY_MS = 2_000;

type Phase =
  | { readonly kind: "staying" }
  | { readonly kind: "handing over"; readonly until: number; readonly ended: (end: HandOverEnd) => void }
  | { readonly kind: "ended" };

export class HandOver {
  readonly #nodeId: string;
  readonly #ports: HandOverPorts;
  #phase: Phase = { kind: "staying" };
  #joinedAt: number;
  #timer: Timer | undefined;

  constructor(nodeId: string, ports: HandOverPorts) {
    this.#nodeId = nodeId;
    this.#ports = ports;
    this.#joinedAt = ports.clock.now();
  }

  /** True from when it has begun: the node is about to leave. */
  get hasBegun(): boolean {
    return this.#phase.kind !== "staying";
  }

  /** Resolves when the node need not wait any longer, after at most `ms` milliseconds. */
  begin(ms: number): Promise<HandOverEnd> {
    return new Promise((ended) => {
      this.#joinedAt = this.#ports.clock.now();
      this.#phase = { kind: "handing over", until: this.#joinedAt + ms, ended };
      this.look();
    });
  }

  /** To be called when there is a newer state of the cluster. */
  look(): void {
    if (this.#phase.kind !== "handing over") return;
    this.#timer?.cancel();
    const end = this.#end(this.#phase.until);
    if (end === undefined) {
      this.#timer = this.#ports.clock.setTimer(LOOK_MS, () => this.look());
      return;
    }
    const { ended } = this.#phase;
    this.#phase = { kind: "ended" };
    ended(end);
  }

  #end(until: number): HandOverEnd | undefined {
    const now = this.#ports.clock.now();
    const state = this.#ports.state();
    if (state === undefined || !owns(state, this.#nodeId)) return "all slots are with others";
    if (!canBeRelieved(state, this.#nodeId)) return "nobody takes them";
    if (this.#ports.isJoined()) this.#joinedAt = now;
    if (now - this.#joinedAt >= META_AWAY_MS) return "meta does not answer";
    return now >= until ? "time is over" : undefined;
  }
}

function owns({ table }: ClusterState, nodeId: string): boolean {
  return table.owners.some(({ leader, followers }) => leader === nodeId || followers.includes(nodeId));
}

/** Whether there is another data node, and one that does not want to be rid of its own slots. */
function canBeRelieved({ members }: ClusterState, nodeId: string): boolean {
  return members.some((member) => member.role === "data" && member.nodeId !== nodeId && member.draining !== true);
}
