/**
 * Self-preservation of leases (D12). When many more leases end within a short time than ever do when programs die, it is
 * rather the registry, or the way to it, that is sick: renewals do not arrive. Then nobody is taken out at first; and
 * should the clients be gone in truth, they go a few at a time, so that there is time to see and mend what is wrong.
 *
 *     calm ---- more lapse than are allowed ----> holding
 *      ^                                           |   ^
 *      |                                           v   |  more lapse again
 *      +------------ all of them gone ---------- letting go
 *
 * It is well again when no more lapse than are allowed: {@link LAPSE_WINDOW_MS} after the last of many. Then there is as
 * much time again in which those who could not be heard may be heard, and what is overdue after that is gone
 * {@link LET_GO_MS} later. A lease that is renewed meanwhile is as if nothing had been. Who unregisters has
 * nothing to do with all this.
 */

/** Lapses within so long are counted together, in milliseconds: a lease, within which all that were cut off at once lapse. */
export const LAPSE_WINDOW_MS = 15_000;

/** So many may lapse within the window whatever their share is: a small service that scales to zero is gone at once. */
export const LAPSES_FREE = 10;

/** The share of all leases of this node that may lapse within the window. Above it they are not believed to be gone. */
export const LAPSES_SHARE = 0.15;

/** How long it has to be well before anybody is let go, in milliseconds: until all who can renew have done so. */
export const WELL_FOR_MS = 15_000;

/** How long letting go takes, in milliseconds: with what is before it less than a minute. */
export const LET_GO_MS = 20_000;

export type GuardState =
  | { readonly kind: "calm" }
  /** It has been well since `wellSince`, by the clock; undefined while it is not. */
  | { readonly kind: "holding"; readonly wellSince: number | undefined }
  /** `backlog` were overdue at `since`, of which `gone` have been let go. */
  | { readonly kind: "letting go"; readonly since: number; readonly backlog: number; readonly gone: number };

/** What there is to judge at a moment. */
export interface LeaseLook {
  readonly now: number;
  /** Leases that have lapsed since the last look. */
  readonly lapsed: number;
  /** All that have lapsed and not been taken out. */
  readonly overdue: number;
  /** All leases, the overdue ones included. */
  readonly leases: number;
  /** Those that will lapse soon, because renewals of them have been missed already. Asked for only when some have lapsed. */
  readonly late: () => number;
  /** Everybody has been able to renew for as long as the window. */
  readonly isWell: boolean;
}

export class EvictionGuard {
  #state: GuardState = { kind: "calm" };
  /** When how many lapsed, within the window. */
  #lapses: { readonly at: number; readonly count: number }[] = [];
  #episodes = 0;

  get state(): GuardState["kind"] {
    return this.#state.kind;
  }

  /** How often it has begun to hold. */
  get episodes(): number {
    return this.#episodes;
  }

  /** How many of those that are overdue may be taken out now, the longest overdue first. */
  allow(look: LeaseLook): number {
    if (look.lapsed > 0) this.#lapses.push({ at: look.now, count: look.lapsed });
    this.#lapses = this.#lapses.filter(({ at }) => look.now - at < LAPSE_WINDOW_MS);
    if (look.overdue === 0) {
      this.#state = { kind: "calm" };
      return 0;
    }
    switch (this.#state.kind) {
      case "calm":
        if (this.#isUsual(look)) return look.overdue;
        this.#state = { kind: "holding", wellSince: undefined };
        this.#episodes++;
        return 0;
      case "holding":
        this.#state = this.#hold(this.#state.wellSince ?? look.now, look);
        return 0;
      case "letting go":
        if (look.isWell && this.#isUsual(look)) return this.#letGo(this.#state, look);
        this.#state = { kind: "holding", wellSince: undefined };
        return 0;
    }
  }

  #hold(wellSince: number, look: LeaseLook): GuardState {
    if (!look.isWell || !this.#isUsual(look)) return { kind: "holding", wellSince: undefined };
    if (look.now - wellSince < WELL_FOR_MS) return { kind: "holding", wellSince };
    return { kind: "letting go", since: look.now, backlog: look.overdue, gone: 0 };
  }

  #isUsual({ leases, late }: LeaseLook): boolean {
    const lapses = this.#lapses.reduce((sum, { count }) => sum + count, 0);
    return lapses + late() <= Math.max(LAPSES_FREE, leases * LAPSES_SHARE);
  }

  #letGo(state: Extract<GuardState, { kind: "letting go" }>, { now, overdue }: LeaseLook): number {
    const passed = (now - state.since) / LET_GO_MS;
    const allowed = passed >= 1 ? overdue : Math.min(overdue, Math.ceil(state.backlog * passed) - state.gone);
    this.#state = allowed === overdue ? { kind: "calm" } : { ...state, gone: state.gone + allowed };
    return allowed;
  }
}
