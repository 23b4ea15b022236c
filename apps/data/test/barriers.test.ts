import { describe, expect, test } from "vitest";

import type { BarrierAnswer, ToldAnswer, ToldQuestion, Version } from "@rollcall/core";
import { clusterState, session } from "./cluster-fixture.ts";
import { LEASE_MS, ORDERS, startStorage, type HandMadeSession } from "./storage-fixture.ts";

const A = session("a");
const B = session("b");

const answersTo = (frames: readonly { readonly barriers: readonly BarrierAnswer[] }[]) =>
  frames.flatMap(({ barriers }) => barriers);

const answer = ({ key, held: { version } }: ToldQuestion, subscribers: number): ToldAnswer => ({
  key,
  version,
  subscribers,
});

/** Two sessions, of which the first has registered an instance and taken it out again. */
async function drained() {
  const world = startStorage({ sessions: [A, B] });
  const [a, b] = [world.link(A), world.link(B)];
  for (const each of [a, b]) await each.say({ reports: each.reports() });
  await a.writes(a.write("register", "i-1", 1));
  const [outcome] = await a.writes(a.write("unregister", "i-1", 2));
  const { version } = outcome as { readonly version: Version };
  const barrier = { sequence: 7, key: ORDERS, version };
  const questions = async (peer: HandMadeSession) => (await peer.heard()).flatMap((frame) => frame.toldQuestions);
  /** Says that all know, to whatever was asked. */
  const tell = async (peer: HandMadeSession, subscribers = 0) =>
    peer.say({ told: (await questions(peer)).map((question) => answer(question, subscribers)) });
  return { ...world, a, b, barrier, questions, tell };
}

describe("a barrier", () => {
  test("is put to every session, and passed when the last of them has no subscriber who has not been told", async () => {
    const { a, b, barrier, questions, tell } = await drained();
    const first = await a.say({ barriers: [barrier] });
    expect(answersTo(first)).toEqual([{ sequence: 7, subscribers: 0, sessions: 2 }]);
    const [question] = await questions(b);
    expect(question).toMatchObject({ key: ORDERS, held: { version: barrier.version } });
    await b.say({ told: [answer(question!, 3)] });
    const own = first.flatMap(({ toldQuestions }) => toldQuestions);
    expect(answersTo(await a.say({ told: own.map((each) => answer(each, 0)) }))).toEqual([
      { sequence: 7, subscribers: 3, sessions: 0 },
    ]);
    await b.say({ told: [answer(question!, 0)] });
    expect(answersTo(await a.heard())).toEqual([{ sequence: 7, subscribers: 0, sessions: 0 }]);
    expect(await tell(b)).toEqual([]);
  });

  test("is put again every second to those who have not said that all know", async () => {
    const { clock, a, b, barrier, questions, tell } = await drained();
    const own = (await a.say({ barriers: [barrier] })).flatMap(({ toldQuestions }) => toldQuestions);
    await a.say({ told: own.map((each) => answer(each, 0)) });
    expect(await questions(b)).toHaveLength(1);
    await clock.runFor(1_300);
    expect([await questions(a), await questions(b)]).toMatchObject([[], [{ key: ORDERS }]]);
    await clock.runFor(1_300);
    await tell(b);
    expect(answersTo(await a.heard()).at(-1)).toEqual({ sequence: 7, subscribers: 0, sessions: 0 });
  });

  test("counts a member that is not linked as behind, and asks it as soon as it is", async () => {
    const { clock, storage, a, b, barrier, questions, link } = await drained();
    storage.part(b.peer, false);
    const own = (await a.say({ barriers: [barrier] })).flatMap(({ toldQuestions }) => toldQuestions);
    await a.say({ told: own.map((each) => answer(each, 0)) });
    await clock.runFor(1_300);
    expect(answersTo(await a.heard()).at(-1)).toEqual({ sequence: 7, subscribers: 0, sessions: 1 });
    const again = link(B);
    await again.say({ told: (await questions(again)).map((question) => answer(question, 0)) });
    expect(answersTo(await a.heard()).at(-1)).toEqual({ sequence: 7, subscribers: 0, sessions: 0 });
  });

  test.each([
    { how: "fell silent", hasEnded: false, waitsMs: LEASE_MS },
    { how: "was reset", hasEnded: true, waitsMs: 0 },
  ])("waits $waitsMs ms for a session that $how once it is no member any more", async ({ hasEnded, waitsMs }) => {
    const { clock, storage, a, b, barrier } = await drained();
    storage.part(b.peer, hasEnded);
    const own = (await a.say({ barriers: [barrier] })).flatMap(({ toldQuestions }) => toldQuestions);
    await a.say({ told: own.map((each) => answer(each, 0)) });
    storage.adopt(clusterState({ version: 2, sessions: [A], departed: [B] }));
    let waitedMs = 0;
    for (; waitedMs < 30_000; waitedMs += 500) {
      await clock.runFor(500);
      const answers = answersTo(await a.say({ barriers: [barrier] }));
      if (answers.some(({ sessions }) => sessions === 0)) break;
    }
    expect(waitedMs).toBeGreaterThanOrEqual(waitsMs - 1_000);
    expect(waitedMs).toBeLessThan(waitsMs + 2_500);
  });

  test("is not answered by one who does not lead the slot, nor by one who does not know the version", async () => {
    const { storage, a, barrier } = await drained();
    const ahead = { ...barrier, version: { ...barrier.version, counter: barrier.version.counter + 1 } };
    expect(answersTo(await a.say({ barriers: [ahead] }))).toEqual([]);
    const own = (await a.say({ barriers: [barrier] })).flatMap(({ toldQuestions }) => toldQuestions);
    storage.adopt(clusterState({ version: 2, leader: "other", leaderEpoch: 2, sessions: [A, B] }));
    expect(answersTo(await a.say({ told: own.map((each) => answer(each, 0)) }))).toEqual([]);
    expect(answersTo(await a.say({ barriers: [barrier] }))).toEqual([]);
  });

  test("is forgotten when nobody asks for it any more", async () => {
    const { clock, storage, a, barrier } = await drained();
    await a.say({ barriers: [barrier] });
    expect(storage.barriers.size).toBe(1);
    await clock.runFor(6_500);
    expect(storage.barriers.size).toBe(0);
  });
});
