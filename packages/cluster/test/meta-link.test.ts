import { JOIN_PATH } from "@rollcall/protocol";
import { describe, expect, test } from "vitest";
import { DEFAULT_HEARTBEAT_MS } from "../src/meta-link.ts";
import { HEARTBEAT_MS, answer, lost, openLink, said, saying, state, table } from "./open-meta-link.ts";

describe("joining", () => {
  test("begins at a meta drawn by chance, with a hello and nothing known", () => {
    const { dialer, told, link, hello } = openLink({ first: 1 });
    expect(dialer.last).toMatchObject({ address: "meta-2:1", method: JOIN_PATH });
    expect(said(dialer.last)).toEqual([saying(1, { hello: { ...hello, incarnation: 0 } })]);
    expect([told, link.membership, link.isJoined]).toEqual([[], undefined, false]);
  });

  test("is over with the first state; an answer without one proves only that meta is there", () => {
    const { dialer, told, link } = openLink();
    answer(dialer.last);
    expect([link.membership, link.isJoined]).toEqual([undefined, true]);
    answer(dialer.last, { state: state(2) });
    expect(told).toEqual([{ incarnation: 4, state: state(2) }]);
    expect(link.membership).toBe(told[0]);
  });

  test("a node that knows no meta is a mistake of whoever configured it", () => {
    expect(() => openLink({ metas: [] })).toThrow("at least one meta");
  });
});

describe("heartbeats", () => {
  test("come one a time, counted, and carry the version of the state", async () => {
    const { clock, dialer } = openLink();
    answer(dialer.last, { state: state(2) });
    await clock.runFor(HEARTBEAT_MS);
    expect(dialer.last.sent).toHaveLength(2);
    answer(dialer.last, { state: state(5) });
    await clock.runFor(HEARTBEAT_MS);
    expect(said(dialer.last).slice(1)).toEqual([saying(2, { stateVersion: 2 }), saying(3, { stateVersion: 5 })]);
    expect(DEFAULT_HEARTBEAT_MS).toBe(1_000);
  });

  test("that are answered keep the link for ever", async () => {
    const { clock, dialer } = openLink();
    for (let second = 0; second < 60; second++) {
      answer(dialer.last);
      await clock.runFor(HEARTBEAT_MS);
    }
    expect(dialer.streams).toHaveLength(1);
  });

  test("three in a row without an answer make the node dial the next meta", async () => {
    const { clock, dialer, hello } = openLink();
    answer(dialer.last, { state: state(2) });
    await clock.runFor(3 * HEARTBEAT_MS);
    expect(dialer.streams).toHaveLength(1);
    await clock.runFor(HEARTBEAT_MS + 1);
    expect(dialer.streams.map(({ address }) => address)).toEqual(["meta-1:1", "meta-2:1"]);
    expect(dialer.streams[0]!.closedWith).toBe("in order");
    expect(said(dialer.last)[0]).toEqual(
      saying(1, { hello: { ...hello, clusterId: "ours", incarnation: 4 }, stateVersion: 2 }),
    );
  });

  test("an answer in between starts the count again", async () => {
    const { clock, dialer } = openLink();
    await clock.runFor(3 * HEARTBEAT_MS);
    answer(dialer.last);
    await clock.runFor(3 * HEARTBEAT_MS);
    expect(dialer.streams).toHaveLength(1);
  });
});

describe("a lost meta", () => {
  test("is followed by the next in turn, and the state stays", async () => {
    const { clock, dialer, told, link } = openLink();
    answer(dialer.last, { state: state(2) });
    for (let times = 0; times < 3; times++) {
      dialer.last.end(lost);
      await clock.runFor(HEARTBEAT_MS / 2);
    }
    expect(dialer.streams.map(({ address }) => address)).toEqual(["meta-1:1", "meta-2:1", "meta-3:1", "meta-1:1"]);
    expect([told.length, link.isJoined, link.membership?.state.version]).toEqual([1, false, 2]);
  });

  test("is looked for after a quarter of a heartbeat at most, so that of three each is asked again within a lease", async () => {
    const metas = ["meta-1:1", "meta-2:1", "meta-3:1"];
    const { clock, dialer } = openLink({ metas });
    const failing = clock.now() + 10 * HEARTBEAT_MS;
    while (clock.now() < failing) {
      dialer.last.end(lost);
      await clock.runFor(1);
    }
    const dialled = dialer.streams.map(({ dialledAt }) => dialledAt);
    const pauses = dialled.slice(1).map((at, index) => at - dialled[index]!);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(HEARTBEAT_MS / 4);
  });

  test("that never answers is given up like one that fell silent", async () => {
    const { clock, dialer } = openLink();
    await clock.runFor(60_000);
    expect(dialer.streams.length).toBeGreaterThan(5);
    expect(dialer.streams.slice(0, -1).every(({ closedWith }) => closedWith === "in order")).toBe(true);
    for (const { sent } of dialer.streams) expect(sent.length).toBeLessThanOrEqual(4);
  });
});

describe("states", () => {
  test("are told in the order of their versions: older and equal ones are late and say nothing", () => {
    const { dialer, told } = openLink();
    for (const version of [3, 2, 3, 5, 4]) answer(dialer.last, { state: state(version) });
    expect(told.map((membership) => membership.state.version)).toEqual([3, 5]);
  });

  test("of another cluster are ignored with an error, whatever their version", () => {
    const { dialer, told, errors, link } = openLink();
    answer(dialer.last, { state: state(3) });
    answer(dialer.last, { state: state(9, { clusterId: "theirs" }), incarnation: 77 });
    expect([told.length, errors.length, link.membership?.incarnation]).toEqual([1, 1, 4]);
    answer(dialer.last, { state: state(4) });
    expect(told).toHaveLength(2);
  });

  test("may change the members and leave the table", () => {
    const { dialer, told } = openLink();
    answer(dialer.last, { state: state(3) });
    answer(dialer.last, { state: state(4, { table: table(3, 3), members: [] }) });
    expect(told.at(-1)?.state.members).toEqual([]);
  });

  test.each([
    { what: "an older table", told: table(2, 3), says: "no older slot table" },
    { what: "a leader epoch that goes back", told: table(4, 2), says: "went back" },
  ])("a newer one with $what stops the node: no correct meta can issue it", ({ told, says }) => {
    const { dialer } = openLink();
    answer(dialer.last, { state: state(3) });
    expect(() => answer(dialer.last, { state: state(4, { table: told }) })).toThrow(says);
  });

  test("a new incarnation comes with the next state", () => {
    const { dialer, told } = openLink();
    answer(dialer.last, { state: state(3) });
    answer(dialer.last, { state: state(4), incarnation: 8 });
    expect(told.map(({ incarnation }) => incarnation)).toEqual([4, 8]);
  });

  test("that make no sense end the link, not the node", async () => {
    const { clock, dialer, told } = openLink();
    const [first] = dialer.streams;
    first!.receive(Uint8Array.of(0xff));
    expect(first!.closedWith).toMatchObject({ reason: "protocol_violation" });
    await clock.runFor(1);
    expect([dialer.streams.length, told.length]).toEqual([2, 0]);
  });
});

describe("leaving", () => {
  test("tells meta, ends the link, and stops the heartbeats", async () => {
    const { clock, dialer, link } = openLink();
    answer(dialer.last, { state: state(2) });
    link.leave();
    expect(said(dialer.last).at(-1)).toEqual(saying(2, { stateVersion: 2, leaving: true }));
    expect(dialer.last.closedWith).toBe("in order");
    const { length } = dialer.last.sent;
    await clock.runFor(60_000);
    expect([dialer.streams.length, dialer.last.sent.length]).toEqual([1, length]);
  });

  test("without a link is silent and final", async () => {
    const { clock, dialer, link } = openLink();
    dialer.last.end(lost);
    link.leave();
    await clock.runFor(60_000);
    expect(dialer.streams).toHaveLength(1);
  });
});

test("a meta that does not lead sends the node to the one that does, and that counts as no answer", async () => {
  const { clock, dialer, link } = openLink();
  answer(dialer.last, { leader: "meta-9:1" });
  expect(link.isJoined).toBe(false);
  await clock.runFor(25);
  expect(dialer.streams.map(({ address }) => address)).toEqual(["meta-1:1", "meta-9:1"]);
  // If there is nobody, it goes on with its list, and not faster and faster.
  dialer.last.end(lost);
  await clock.runFor(50);
  expect(dialer.last.address).toBe("meta-2:1");
  answer(dialer.last, { leader: "meta-9:1" });
  await clock.runFor(100);
  expect(dialer.last.address).toBe("meta-9:1");
  answer(dialer.last, { state: state(1) });
  expect(link.isJoined).toBe(true);
});
