/** What a node is told of operators' decisions on its link to meta. */

import type { ControlRecord, ControlsPart } from "@rollcall/core";
import { expect, test } from "vitest";
import { HEARTBEAT_MS, answer, lost, openLink, said, state } from "./open-meta-link.ts";

const record = (version: number): ControlRecord => ({
  id: "push/cluster",
  version,
  author: "ann",
  reason: "",
  decidedAt: "",
  expiresInMs: undefined,
  control: { kind: "push off", scope: { kind: "cluster" }, exceptClients: [] },
});

const part = (change: Partial<ControlsPart>): ControlsPart => ({
  clusterId: "ours",
  version: 3,
  base: 0,
  through: 3,
  records: [record(3)],
  removedIds: [],
  complete: true,
  ...change,
});

test("a node joins only when it knows what was decided, and says what it has of it at once", async () => {
  const { clock, dialer, told, controls } = openLink();
  await clock.runFor(0);
  const stream = dialer.last;
  answer(stream, { state: state(5), controls: part({ through: 1, records: [] }) });
  await clock.runFor(0);
  expect(told).toEqual([]);
  expect(said(stream).at(-1)).toMatchObject({ stateVersion: 0, controlsVersion: 0, controlsReceived: 1 });
  // The next part is lost with the state, and the one after that says nothing of them.
  answer(stream, { state: state(5), controls: part({ base: 2 }) });
  expect(told).toEqual([]);
  answer(stream, { state: state(5), controls: part({ base: 1 }) });
  await clock.runFor(0);
  expect(told).toHaveLength(1);
  expect(controls.version).toBe(3);
  expect(said(stream).at(-1)).toMatchObject({ stateVersion: 5, controlsVersion: 3, controlsReceived: 0 });
});

test("a meta that knows nothing of control records keeps nobody from joining", async () => {
  const { clock, dialer, told } = openLink();
  await clock.runFor(0);
  answer(dialer.last, { state: state(5) });
  expect(told).toHaveLength(1);
});

test("what another cluster's operators have decided does not concern this node", async () => {
  const { clock, dialer, controls } = openLink();
  await clock.runFor(0);
  answer(dialer.last, { state: state(5) });
  answer(dialer.last, { controls: part({ clusterId: "theirs" }) });
  expect(controls.version).toBe(0);
});

test("while meta is away what was decided last goes on to count, and the next meta is told of which version it is", async () => {
  const { clock, dialer, controls } = openLink();
  await clock.runFor(0);
  answer(dialer.last, { state: state(5), controls: part({}) });
  dialer.last.end(lost);
  await clock.runFor(10 * HEARTBEAT_MS);
  expect(controls.all("push off")).toHaveLength(1);
  expect(said(dialer.last)[0]).toMatchObject({ controlsVersion: 3 });
});
