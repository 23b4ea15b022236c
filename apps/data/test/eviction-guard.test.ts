import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  EvictionGuard,
  LAPSES_FREE,
  LAPSES_SHARE,
  LAPSE_WINDOW_MS,
  LET_GO_MS,
  WELL_FOR_MS,
} from "../src/datums/eviction-guard.ts";

/** Leases of a node that lapse as the test wants, looked at four times a second. */
class Leases {
  readonly guard = new EvictionGuard();
  now = 0;
  running: number;
  overdue = 0;
  gone = 0;
  late = 0;
  isWell = true;

  constructor(count: number) {
    this.running = count;
  }

  /** One look, at which `lapsed` more have ended. */
  look(lapsed = 0): number {
    this.now += 250;
    this.running -= lapsed;
    this.overdue += lapsed;
    const { now, overdue, isWell } = this;
    const allowed = this.guard.allow({
      now,
      lapsed,
      overdue,
      leases: this.running + overdue,
      late: () => this.late,
      isWell,
    });
    this.overdue -= allowed;
    this.gone += allowed;
    return allowed;
  }

  /** Looks without a lapse. */
  pass(ms: number): void {
    for (const end = this.now + ms; this.now < end;) this.look();
  }
}

describe("a guard of leases", () => {
  test.each([
    { of: 10, lapsed: 10, what: "a small service that is all there is" },
    { of: 1_000, lapsed: LAPSES_FREE, what: "a small service among many" },
    { of: 1_000, lapsed: 1_000 * LAPSES_SHARE, what: "the share that is usual" },
  ])("lets $what go at once", ({ of, lapsed }) => {
    const leases = new Leases(of);
    expect(leases.look(lapsed)).toBe(lapsed);
    expect(leases.guard.state).toBe("calm");
  });

  test("holds all when 30 % lapse at once, and forgets it when they are renewed", () => {
    const leases = new Leases(1_000);
    expect(leases.look(300)).toBe(0);
    expect([leases.guard.state, leases.guard.episodes]).toEqual(["holding", 1]);
    leases.pass(10_000);
    expect(leases.gone).toBe(0);
    leases.running += 300;
    leases.overdue = 0;
    leases.look();
    expect([leases.guard.state, leases.gone]).toEqual(["calm", 0]);
  });

  test("holds already the first of many, because the others are late as well", () => {
    const leases = new Leases(1_000);
    leases.late = 200;
    expect(leases.look(1)).toBe(0);
    expect(leases.guard.state).toBe("holding");
  });

  test("lets those go that are gone in truth, a few at a time and within a minute", () => {
    const leases = new Leases(1_000);
    leases.look(300);
    leases.pass(LAPSE_WINDOW_MS + WELL_FOR_MS);
    expect([leases.guard.state, leases.gone]).toEqual(["letting go", 0]);
    const before = leases.gone;
    leases.look();
    expect(leases.gone - before).toBeLessThanOrEqual(Math.ceil((300 * 250) / LET_GO_MS));
    leases.pass(LET_GO_MS);
    expect([leases.guard.state, leases.gone]).toEqual(["calm", 300]);
    expect(leases.now).toBeLessThan(60_000);
  });

  test("does not let go while somebody cannot renew, nor when more lapse again", () => {
    const leases = new Leases(1_000);
    leases.look(300);
    leases.isWell = false;
    leases.pass(120_000);
    expect([leases.guard.state, leases.gone]).toEqual(["holding", 0]);
    leases.isWell = true;
    leases.pass(WELL_FOR_MS + 250);
    expect(leases.guard.state).toBe("letting go");
    leases.look(200);
    expect(leases.guard.state).toBe("holding");
  });

  test("is not kept up by those that lapse one by one, as programs die", () => {
    const leases = new Leases(1_000);
    leases.look(300);
    for (let round = 0; round < 220; round++) leases.look(round % 8 === 0 ? 1 : 0);
    expect(leases.guard.state).toBe("calm");
    expect(leases.overdue).toBe(0);
  });

  test("in any story lets a usual number go, or spreads over its time what it has held", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60), { minLength: 1, maxLength: 200 }), (lapses) => {
        const leases = new Leases(2_000);
        for (const lapsed of lapses) {
          const before = { state: leases.guard.state, overdue: leases.overdue };
          const allowed = leases.look(Math.min(lapsed, leases.running));
          const most = { calm: 2_000 * LAPSES_SHARE, holding: 0, "letting go": before.overdue + lapsed };
          expect(allowed).toBeLessThanOrEqual(most[before.state]);
        }
      }),
    );
  });
});
