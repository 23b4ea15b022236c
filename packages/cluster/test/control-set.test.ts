/** What a node makes of the control records that meta tells it. */

import type { ControlRecord, ControlsPart } from "@rollcall/core";
import { expect, test } from "vitest";
import { ControlSet } from "../src/control-set.ts";

const pushOff = (namespace: string, version: number): ControlRecord => ({
  id: `push/namespace/${namespace}`,
  version,
  author: "ann",
  reason: "",
  decidedAt: "",
  expiresInMs: undefined,
  control: { kind: "push off", scope: { kind: "namespace", namespace }, exceptClients: [] },
});

const part = (change: Partial<ControlsPart>): ControlsPart => ({
  clusterId: "ours",
  version: 0,
  base: 0,
  through: 0,
  records: [],
  removedIds: [],
  complete: false,
  ...change,
});

const idsOf = (controls: ControlSet) => controls.all("push off").map(({ id, version }) => `${id}@${version}`);

test("it acts by changes as they come, and tells whoever watches what is other than before", () => {
  const controls = new ControlSet();
  const seen: string[] = [];
  controls.watch("push off", (changes) => {
    for (const { id, before, after } of changes) seen.push(`${id} ${before?.version} ${after?.version}`);
  });
  controls.watch("rebalance off", () => seen.push("never"));
  expect(controls.take(part({ version: 1, through: 1, records: [pushOff("a", 1)] }))).toBe(true);
  expect(controls.take(part({ version: 2, base: 1, through: 2, records: [pushOff("a", 2)] }))).toBe(true);
  expect(controls.take(part({ version: 3, base: 2, through: 3, removedIds: ["push/namespace/a"] }))).toBe(true);
  expect(seen).toEqual(["push/namespace/a undefined 1", "push/namespace/a 1 2", "push/namespace/a 2 undefined"]);
});

test("it acts by what comes in parts only when the last has come, and takes none that does not go on", () => {
  const controls = new ControlSet();
  expect(controls.take(part({ version: 9, through: 4, records: [pushOff("a", 4)], complete: true }))).toBe(false);
  expect([controls.version, controls.received, idsOf(controls)]).toEqual([0, 4, []]);
  expect(controls.take(part({ version: 9, base: 7, through: 9, records: [pushOff("c", 9)] }))).toBe(false);
  expect(controls.received).toBe(4);
  // Meanwhile one that has come already is taken back, and others are decided.
  const last = { base: 4, through: 10, version: 10, removedIds: ["push/namespace/a"] };
  expect(controls.take(part({ ...last, records: [pushOff("b", 8), pushOff("c", 9)] }))).toBe(true);
  expect([controls.version, controls.received]).toEqual([10, 0]);
  expect(idsOf(controls)).toEqual(["push/namespace/b@8", "push/namespace/c@9"]);
});

test("of a complete list, what is not in it is no more", () => {
  const controls = new ControlSet();
  controls.take(part({ version: 2, through: 2, records: [pushOff("a", 1), pushOff("b", 2)] }));
  const gone: string[] = [];
  controls.watch("push off", (changes) => gone.push(...changes.map(({ id, after }) => `${id} ${after?.version}`)));
  controls.take(part({ version: 8, through: 8, records: [pushOff("b", 2)], complete: true }));
  expect([gone, idsOf(controls)]).toEqual([["push/namespace/a undefined"], ["push/namespace/b@2"]]);
});

test("what is not newer changes nothing, whatever it says of itself", () => {
  const controls = new ControlSet();
  controls.take(part({ version: 5, through: 5, records: [pushOff("a", 5)] }));
  expect(controls.take(part({ version: 5, through: 5, complete: true }))).toBe(false);
  expect(controls.take(part({ version: 4, through: 4, records: [pushOff("a", 4)], complete: true }))).toBe(false);
  expect(idsOf(controls)).toEqual(["push/namespace/a@5"]);
});

test("it finds what is decided about the same thing", () => {
  const controls = new ControlSet();
  controls.take(part({ version: 5, through: 5, records: [pushOff("a", 5)] }));
  const about = (namespace: string) =>
    controls.find({ kind: "push off", scope: { kind: "namespace", namespace }, exceptClients: [] });
  expect([about("a")?.version, about("b")?.version]).toEqual([5, undefined]);
});
