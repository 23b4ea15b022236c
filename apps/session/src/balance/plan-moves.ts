/**
 * How many clients a session with too many asks to move, and where to. Every session decides by itself, by the same
 * numbers, so the decision is such that all of them together do no harm: nobody goes below the mean, and those who have
 * too many share out the room of those who have too few, so that nobody is sent more than brings it to the mean. Within
 * the tolerance nobody is asked at all, so nothing is sent to and fro.
 */

export interface BalanceRules {
  /** Shares of the mean by which the fullest and the emptiest session may differ from it. */
  readonly tolerance: number;
  /** Clients asked in one round, at most. */
  readonly movesMax: number;
}

export interface PlannedMove {
  readonly address: string;
  readonly clients: number;
}

/** A session that takes clients, as last told. */
export interface Room {
  readonly address: string;
  readonly clients: number;
}

/**
 * With so many clients more or less than the mean a session is as good as even, however few there are. Twice what a load
 * may be off without being told anew: what the sessions believe of each other must not keep clients going to and fro.
 */
const EVEN_WITHIN = 10;

/** @param others all the other sessions that take clients */
export function planMoves(own: number, others: readonly Room[], { tolerance, movesMax }: BalanceRules): PlannedMove[] {
  const loads = [own, ...others.map(({ clients }) => clients)];
  const mean = loads.reduce((sum, clients) => sum + clients, 0) / loads.length;
  const allowed = Math.max(EVEN_WITHIN, tolerance * mean);
  if (loads.every((clients) => Math.abs(clients - mean) <= allowed)) return [];
  const excess = own - mean;
  const allExcess = loads.reduce((sum, clients) => sum + Math.max(0, clients - mean), 0);
  const count = Math.min(movesMax, Math.floor(excess));
  if (count <= 0) return [];
  // Whole clients, of which no session gets more than its part of the room, and the parts left over go to the next.
  const moves: PlannedMove[] = [];
  let due = 0;
  let planned = 0;
  for (const { address, clients } of others) {
    due += (Math.max(0, mean - clients) / allExcess) * count;
    const share = Math.round(due) - planned;
    if (share > 0) moves.push({ address, clients: share });
    planned += Math.max(0, share);
  }
  return moves;
}
