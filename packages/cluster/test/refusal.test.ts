/** A node that meta will not have. */

import { RegistryError, invalidField } from "@rollcall/core";
import { expect, test } from "vitest";
import { NAME_TAKEN_MS } from "../src/refusal.ts";
import { answer, lost, openLink, said, state } from "./open-meta-link.ts";

const misfit = invalidField("slot_count", "256, as in this cluster", 128);
const taken = new RegistryError("conflict", "data-1 is the name of a node at elsewhere:1 that is there");

test("one that does not fit is of no use, and says why it has not joined", () => {
  const { dialer, link, refusals, errors } = openLink();
  expect(link.whyNotJoined).toBe("has not joined the cluster");
  dialer.last.end(misfit);
  expect(link.whyNotJoined).toBe(`has not joined the cluster: ${misfit.message}`);
  expect([refusals, errors]).toEqual([[misfit.message], ["meta refuses this node"]]);
});

test("one whose meta is away or stopping has only to wait", async () => {
  const { clock, dialer, refusals } = openLink();
  for (const error of [lost, new RegistryError("shutting_down", "meta is stopping"), undefined]) {
    dialer.last.end(error);
    await clock.runFor(2_000);
  }
  expect(refusals).toEqual([]);
});

test("one whose name is taken waits for it, and not for ever", async () => {
  const { clock, dialer, refusals, errors } = openLink();
  const refuseFor = async (ms: number): Promise<void> => {
    for (const until = clock.now() + ms; clock.now() < until; await clock.runFor(100)) dialer.last.end(taken);
  };
  await refuseFor(NAME_TAKEN_MS - 1_500);
  expect([refusals, errors]).toEqual([[], ["meta refuses this node"]]);
  await refuseFor(3_000);
  expect(new Set(refusals)).toEqual(new Set([taken.message]));
});

test("one that gets its name while it waits is a node like any other", async () => {
  const { clock, dialer, refusals, link } = openLink();
  dialer.last.end(taken);
  await clock.runFor(5_000);
  answer(dialer.last, { state: state(2), sequence: 1 });
  await clock.runFor(NAME_TAKEN_MS);
  expect([refusals, link.membership?.incarnation]).toEqual([[], 4]);
});

test("a member that another cluster does not want goes on, for its own may be back", () => {
  const { dialer, refusals } = openLink();
  answer(dialer.last, { state: state(2), sequence: 1 });
  dialer.last.end(invalidField("cluster_id", "theirs, as in this cluster", "ours"));
  expect(refusals).toEqual([]);
});

test("a member whose place was taken by a later process is of no use any more", () => {
  const { dialer, refusals } = openLink();
  answer(dialer.last, { state: state(2), sequence: 1 });
  dialer.last.end(taken);
  expect(refusals).toEqual([taken.message]);
});

test("a member says which cluster it is of, a new node only if it was told", async () => {
  const { clock, dialer } = openLink();
  answer(dialer.last, { state: state(2), sequence: 1 });
  dialer.last.end(lost);
  await clock.runFor(100);
  const hellos = dialer.streams.map((stream) => said(stream)[0]?.hello?.clusterId);
  expect(hellos).toEqual(["", "ours"]);
});
