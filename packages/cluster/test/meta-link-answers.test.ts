/** What a node tells meta besides that it is there, and what it may conclude from the answers. */

import { slotId, type SlotId } from "@rollcall/core";
import { describe, expect, test } from "vitest";
import { HEARTBEAT_MS, answer, lost, openLink, said, saying, slots, state } from "./open-meta-link.ts";

describe("how new the knowledge is", () => {
  test("is not known before an answer, and then the time at which the newest answered message was sent", async () => {
    const { clock, dialer, link } = openLink();
    expect(link.currentAsOf).toBe(-Infinity);
    await clock.runFor(400);
    answer(dialer.last, { state: state(2), sequence: 1 });
    expect(link.currentAsOf).toBe(0);
    await clock.runFor(2_600);
    expect(link.currentAsOf).toBe(0);
    answer(dialer.last, { sequence: 3 });
    expect(link.currentAsOf).toBe(2_000);
    answer(dialer.last, { sequence: 2 });
    expect(link.currentAsOf).toBe(2_000);
  });

  test("a state that comes unasked says nothing of messages that meta has not taken in", async () => {
    const { clock, dialer, link } = openLink();
    answer(dialer.last, { state: state(2), sequence: 1 });
    await clock.runFor(HEARTBEAT_MS);
    answer(dialer.last, { state: state(3), sequence: 1 });
    expect([link.membership?.state.version, link.currentAsOf]).toEqual([3, 0]);
  });

  test("counts are those of one link: an answer never counts for a message of the link before", async () => {
    const { clock, dialer, link } = openLink();
    answer(dialer.last, { state: state(2), sequence: 1 });
    await clock.runFor(2 * HEARTBEAT_MS + 500);
    dialer.last.end(lost);
    await clock.runFor(100);
    expect(dialer.streams).toHaveLength(2);
    answer(dialer.last);
    expect(link.currentAsOf).toBe(0);
    answer(dialer.last, { sequence: 1 });
    expect(link.currentAsOf).toBe(dialer.last.dialledAt);
    expect(link.currentAsOf).toBeGreaterThanOrEqual(2_500);
  });

  test("is taken in before it counts", () => {
    const { dialer, link, told } = openLink();
    answer(dialer.last, { sequence: 1 });
    expect([link.currentAsOf, told]).toEqual([-Infinity, []]);
    answer(dialer.last, { state: state(2), sequence: 1 });
    expect(link.currentAsOf).toBe(0);
  });

  test.each([
    { what: "of another cluster", told: state(9, { clusterId: "theirs" }) },
    { what: "that is older than the node's own", told: state(2) },
  ])("a state $what says nothing of the present", async ({ told }) => {
    const { clock, dialer, link } = openLink();
    answer(dialer.last, { state: state(3), sequence: 1 });
    await clock.runFor(HEARTBEAT_MS);
    answer(dialer.last, { state: told, sequence: 2 });
    expect(link.currentAsOf).toBe(0);
    answer(dialer.last, { state: state(3), sequence: 2 });
    expect(link.currentAsOf).toBe(HEARTBEAT_MS);
  });

  test("a meta that answers and takes nothing in costs no memory, and counts when it does", async () => {
    const { clock, dialer, link } = openLink();
    answer(dialer.last, { state: state(2), sequence: 1 });
    for (let second = 0; second < 500; second++) {
      await clock.runFor(HEARTBEAT_MS);
      answer(dialer.last, { sequence: 1 });
    }
    answer(dialer.last, { sequence: 300 });
    expect(link.currentAsOf).toBe(0);
    answer(dialer.last, { sequence: 500 });
    expect(link.currentAsOf).toBe(499_000);
  });
});

describe("refreshing", () => {
  test("asks at once, once, until there is an answer", () => {
    const { dialer, link } = openLink();
    link.refresh();
    expect(dialer.last.sent).toHaveLength(1);
    answer(dialer.last, { state: state(2), sequence: 1 });
    link.refresh();
    link.refresh();
    expect(said(dialer.last).slice(1)).toEqual([saying(2, { stateVersion: 2 })]);
    answer(dialer.last, { sequence: 2 });
    link.refresh();
    expect(dialer.last.sent).toHaveLength(3);
  });

  test("without a link does nothing: the next one begins with a hello", async () => {
    const { clock, dialer, link } = openLink();
    answer(dialer.last, { state: state(2) });
    dialer.last.end(lost);
    link.refresh();
    await clock.runFor(100);
    expect(said(dialer.last)).toMatchObject([{ sequence: 1, hello: { nodeId: "data-1" } }]);
  });

  test("leaves the heartbeats as they are: three of them without an answer end the link, however often it is asked", async () => {
    const { clock, dialer, link } = openLink();
    answer(dialer.last, { state: state(2), sequence: 1 });
    for (let times = 0; times < 30; times++) {
      link.refresh();
      await clock.runFor(HEARTBEAT_MS / 10);
    }
    expect([dialer.streams.length, dialer.last.sent.length]).toEqual([1, 5]);
    await clock.runFor(HEARTBEAT_MS + 1);
    expect(dialer.streams).toHaveLength(2);
  });
});

describe("what is synced", () => {
  test("is said in the hello of a new link and in every heartbeat", async () => {
    let synced = slots(0, 7, 255);
    const { clock, dialer } = openLink({ synced: () => synced });
    expect(said(dialer.last)[0]!.synced).toEqual(slots(0, 7, 255));
    synced = slots(8);
    await clock.runFor(HEARTBEAT_MS);
    expect(said(dialer.last)[1]!.synced).toEqual(slots(8));
  });

  test("is told at once when it changes, all changes of a moment in one message", async () => {
    const synced = new Set<SlotId>();
    const { clock, dialer, link } = openLink({ synced: () => synced });
    answer(dialer.last, { state: state(2), sequence: 1 });
    for (let slot = 0; slot < 9; slot++) {
      synced.add(slotId(slot));
      link.report();
    }
    await clock.runFor(0);
    expect(said(dialer.last).slice(1)).toEqual([saying(2, { stateVersion: 2, synced })]);
  });

  test("that changes while an answer is awaited is told with the answer, and only then", async () => {
    const synced = new Set<SlotId>();
    const { clock, dialer, link } = openLink({ synced: () => synced });
    answer(dialer.last, { state: state(2), sequence: 1 });
    link.report();
    await clock.runFor(1);
    synced.add(slotId(3));
    link.report();
    await clock.runFor(1);
    expect(dialer.last.sent).toHaveLength(2);
    answer(dialer.last, { sequence: 2 });
    await clock.runFor(1);
    expect(said(dialer.last).slice(2)).toEqual([saying(3, { stateVersion: 2, synced })]);
    answer(dialer.last, { sequence: 3 });
    await clock.runFor(1);
    expect(dialer.last.sent).toHaveLength(3);
  });

  test("is said again of every newer state, by which alone it counts, unless it is nothing", async () => {
    let synced = slots();
    const { clock, dialer } = openLink({ synced: () => synced });
    answer(dialer.last, { state: state(2), sequence: 1 });
    await clock.runFor(1);
    expect(dialer.last.sent).toHaveLength(1);
    synced = slots(4);
    answer(dialer.last, { state: state(3), sequence: 1 });
    await clock.runFor(1);
    expect(said(dialer.last).slice(1)).toEqual([saying(2, { stateVersion: 3, synced: slots(4) })]);
  });
});
