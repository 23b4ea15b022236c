import type { ClusterState, Move, NodeLoad } from "@rollcall/core";
import { SeededRandom, SimClock } from "@rollcall/testing";
import { describe, expect, test } from "vitest";

import { Balancer } from "../src/balance/balancer.ts";
import { Roster } from "../src/balance/roster.ts";

const members = (...nodeIds: readonly string[]): Pick<ClusterState, "members"> => ({
  members: nodeIds.map((nodeId) => ({
    nodeId,
    incarnation: 1,
    role: nodeId.startsWith("d") ? "data" : "session",
    address: `${nodeId}:9600`,
  })),
});

const load = (nodeId: string, clients: number, draining = false): NodeLoad => ({ nodeId, clients, draining });

describe("the roster", () => {
  test("lists the sessions that are members and take clients, with the loads that are known", () => {
    const roster = new Roster("s-1", () => ({ clients: 7, draining: false }));
    roster.adopt(members("s-1", "s-2", "s-3", "s-4", "d-1"));
    roster.adoptLoads([load("s-1", 1), load("s-2", 2), load("s-4", 4, true), load("s-9", 9)]);
    expect(roster.others).toEqual([
      { address: "s-2:9600", clients: 2 },
      { address: "s-3:9600", clients: undefined },
    ]);
    expect(roster.rooms).toEqual([{ address: "s-2:9600", clients: 2 }]);
    expect(roster.hasNews(0)).toBe(true);
    // Of itself it knows best.
    expect(roster.told).toEqual([{ address: "s-1:9600", clients: 7 }, ...roster.others]);
  });

  test("has news for clients when sessions come or go or loads change markedly, and not too often", () => {
    const roster = new Roster("s-1", () => ({ clients: 100, draining: false }));
    const news = (now: number, loads: readonly NodeLoad[], ...nodeIds: readonly string[]): boolean => {
      roster.adopt(members("s-1", ...nodeIds));
      roster.adoptLoads(loads);
      return roster.hasNews(now);
    };
    expect(news(0, [load("s-2", 100)], "s-2")).toBe(true);
    expect(news(10_000, [load("s-2", 100)], "s-2")).toBe(false);
    expect(news(10_001, [load("s-2", 120)], "s-2")).toBe(false);
    expect(news(10_002, [load("s-2", 130)], "s-2")).toBe(true);
    expect(news(10_003, [], "s-2", "s-3")).toBe(false);
    expect(news(15_002, [], "s-2", "s-3")).toBe(true);
    expect(news(30_000, [load("s-2", 1, true)], "s-2", "s-3")).toBe(true);
  });

  test("lists a session that was about to stop when it is back, before its load is known", () => {
    const roster = new Roster("s-1", () => ({ clients: 7, draining: false }));
    const [, other] = members("s-1", "s-2").members;
    roster.adopt({ members: [other!] });
    roster.adoptLoads([load("s-2", 2, true)]);
    roster.adopt({ members: [other!] });
    expect(roster.others).toEqual([]);
    roster.adopt({ members: [{ ...other!, incarnation: 2 }] });
    expect(roster.others).toEqual([{ address: "s-2:9600", clients: undefined }]);
    roster.adoptLoads([load("s-2", 2, true)]);
    roster.adopt({ members: [] });
    roster.adopt({ members: [{ ...other!, incarnation: 3 }] });
    expect(roster.others).toHaveLength(1);
  });

  test("has news at once for clients that are about to choose, if there is any", () => {
    const roster = new Roster("s-1", () => ({ clients: 100, draining: false }));
    roster.adopt(members("s-1", "s-2"));
    expect(roster.hasNews(0)).toBe(true);
    expect(roster.hasNews(1, { atOnce: true })).toBe(false);
    roster.adopt(members("s-1", "s-2", "s-3"));
    expect(roster.hasNews(2)).toBe(false);
    expect(roster.hasNews(3, { atOnce: true })).toBe(true);
    expect(roster.told.map(({ address }) => address)).toContain("s-3:9600");
  });
});

function balancing({ own, others }: { own: number; others: readonly number[] }, everyMs = 5_000) {
  const clock = new SimClock();
  const state = { own, isRestoring: false, asked: [] as { clients: number; move: Move }[] };
  const roster = new Roster("s-1", () => ({ clients: state.own, draining: false }));
  roster.adopt(members("s-1", ...others.map((_, index) => `s-${index + 2}`)));
  const tell = (...loads: readonly number[]): void =>
    roster.adoptLoads(loads.map((clients, index) => load(`s-${index + 2}`, clients)));
  tell(...others);
  const clients = {
    get connections() {
      return state.own;
    },
    ask: (count: number, move: Move): number => {
      state.asked.push({ clients: count, move });
      return count;
    },
  };
  const isRestoring = (): boolean => state.isRestoring;
  const balancer = new Balancer({ clock, random: new SeededRandom(1), roster, clients, isRestoring }, everyMs);
  const run = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 250) {
      await clock.runFor(250);
      balancer.sweep(clock.now());
    }
  };
  return { state, balancer, tell, run };
}

describe("a session with too many clients", () => {
  test("asks some of them to move to where there is room, a bounded number at a time", async () => {
    const { state, balancer, run } = balancing({ own: 400, others: [0] });
    await run(6_500);
    expect(state.asked).toEqual([{ clients: 100, move: { to: ["s-2:9600"], withinMs: 2_000 } }]);
    expect(balancer.asked).toBe(100);
  });

  test("waits until they are gone and the others have said so before it asks more", async () => {
    const { state, tell, run } = balancing({ own: 100, others: [0] }, 1_000);
    await run(1_250);
    expect(state.asked).toMatchObject([{ clients: 25 }]);
    // They have gone, and the other session's load is still the one of before.
    state.own = 75;
    await run(2_500);
    expect(state.asked).toHaveLength(1);
    tell(25);
    await run(2_000);
    expect(state.asked).toMatchObject([{ clients: 25 }, { clients: 19 }]);
  });

  test("asks nobody while clients are being brought back, here and then elsewhere as well", async () => {
    const { state, run } = balancing({ own: 400, others: [0] });
    state.isRestoring = true;
    await run(30_000);
    expect(state.asked).toEqual([]);
    state.isRestoring = false;
    await run(2_750);
    expect(state.asked).toHaveLength(1);
  });

  test("asks nobody while it does not know what others have, or when it is not to", async () => {
    const unknown = balancing({ own: 400, others: [0] });
    unknown.tell();
    const never = balancing({ own: 400, others: [0] }, 0);
    await unknown.run(30_000);
    await never.run(30_000);
    expect([...unknown.state.asked, ...never.state.asked]).toEqual([]);
  });
});
