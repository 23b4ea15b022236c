/**
 * Keeps connections even. A session that was restarted has no clients, and those that took over have too many: nobody
 * loses a connection that is fine by himself. So from time to time each session looks whether it has too many, and asks
 * some to move. After that it waits until they are gone and the others have said how many they have now, for with older
 * numbers it would ask too many.
 */

import type { Clock, Move, Random } from "@rollcall/core";

import { planMoves } from "./plan-moves.ts";
import type { Roster } from "./roster.ts";

/** Connections may differ by this share from the mean. */
const TOLERANCE = 0.1;

/** In one round no more than this share of the clients is asked, or so many if that is more. */
const ROUND_SHARE = 0.25;
const ROUND_LEAST = 10;

/** Clients that are asked begin within this time, in milliseconds, or half a round if that is less. */
const SPREAD_MS = 2_000;

/** How long it takes, in milliseconds, until the others' loads tell of moves that were made: two heartbeats and a little. */
const SETTLE_MS = 2_500;

export interface BalancerPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly roster: Roster;
  /** Whether clients are being brought back: they come to other sessions as well, and all numbers are of the past. */
  readonly isRestoring: () => boolean;
  readonly clients: {
    readonly connections: number;
    /** Asks so many clients, whichever, to move. Gives how many there were to ask. */
    ask(clients: number, move: Move): number;
  };
}

export class Balancer {
  readonly #ports: BalancerPorts;
  readonly #everyMs: number;
  /** Clock time of the next round, in milliseconds. */
  #dueAt: number;
  #asked = 0;

  /** @param everyMs time between rounds, in milliseconds; 0 for none */
  constructor(ports: BalancerPorts, everyMs: number) {
    this.#ports = ports;
    this.#everyMs = everyMs;
    this.#dueAt = everyMs === 0 ? Infinity : ports.clock.now() + this.#pauseMs();
  }

  /** Clients that were asked to move, ever. */
  get asked(): number {
    return this.#asked;
  }

  sweep(now: number): void {
    if (now < this.#dueAt) return;
    if (this.#ports.isRestoring()) {
      this.#dueAt = now + SETTLE_MS;
      return;
    }
    const withinMs = Math.min(SPREAD_MS, this.#everyMs / 2);
    const asked = this.#round(Math.ceil(withinMs));
    this.#dueAt = now + Math.max(this.#pauseMs(), asked === 0 ? 0 : withinMs + SETTLE_MS);
  }

  #round(withinMs: number): number {
    const { roster, clients } = this.#ports;
    const own = clients.connections;
    const movesMax = Math.max(ROUND_LEAST, Math.ceil(own * ROUND_SHARE));
    let asked = 0;
    for (const { address, clients: count } of planMoves(own, roster.rooms, { tolerance: TOLERANCE, movesMax }))
      asked += clients.ask(count, { to: [address], withinMs });
    this.#asked += asked;
    return asked;
  }

  /** Not the same for all, so that not all of them decide at once. */
  #pauseMs(): number {
    return this.#everyMs * (0.75 + this.#ports.random.next() / 2);
  }
}
