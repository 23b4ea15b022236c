/** What nodes are told of control records, and who is known to act by them: meta's side against the nodes' own. */

import { ControlSet } from "@rollcall/cluster";
import { type Control, type ControlRecord, controlId } from "@rollcall/core";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { AppliedControls } from "../src/controls/applied-controls.ts";
import { ControlNews, PART_BYTES } from "../src/controls/control-news.ts";
import { ControlsCourse } from "../src/controls/controls-course.ts";

const pushOff = (namespace: string): Control => ({
  kind: "push off",
  scope: { kind: "namespace", namespace },
  exceptClients: [],
});

const recordOf = (control: Control, version: number): ControlRecord => ({
  id: controlId(control),
  version,
  author: "ann",
  reason: "",
  decidedAt: "",
  expiresInMs: undefined,
  control,
});

/** Meta's memory of what was decided, with what is in its store. */
class Decided {
  readonly store = new Map<string, ControlRecord>();
  news = new ControlNews(0);
  version = 0;

  set(control: Control, bytes = 100): void {
    const record = recordOf(control, ++this.version);
    this.store.delete(record.id);
    this.store.set(record.id, record);
    this.news.set(record, bytes);
  }

  remove(control: Control): void {
    const record = this.store.get(controlId(control));
    if (record === undefined) return;
    this.store.delete(record.id);
    this.news.remove(record, ++this.version);
  }

  /** Another meta leads: it knows what is stored, and no removal. */
  restart(bytes = 100): void {
    this.news = new ControlNews(this.version);
    for (const record of this.store.values()) this.news.set(record, bytes);
  }

  get present(): string[] {
    return [...this.store.values()].map(({ id, version }) => `${id}@${version}`).toSorted();
  }
}

const idsOf = (controls: ControlSet) =>
  controls
    .all("push off")
    .map(({ id, version }) => `${id}@${version}`)
    .toSorted();

/** The node asks until it has everything; gives how often it did. */
function catchUp(node: ControlSet, course: ControlsCourse): number {
  for (let asked = 1; ; asked++) {
    course.heard({ controlsVersion: node.version, controlsReceived: node.received });
    const part = course.next("session", false);
    if (part === undefined) return asked;
    node.take(part);
  }
}

test("a node that has heard of nothing, of some and of all comes to know what there is", () => {
  const decided = new Decided();
  const [early, late] = [new ControlSet(), new ControlSet()];
  decided.set(pushOff("a"));
  decided.set(pushOff("b"));
  catchUp(early, new ControlsCourse(decided.news, "ours"));
  decided.remove(pushOff("a"));
  decided.set(pushOff("b"));
  for (const node of [early, late]) {
    catchUp(node, new ControlsCourse(decided.news, "ours"));
    expect([node.version, idsOf(node)]).toEqual([4, ["push/namespace/b@4"]]);
  }
  expect(catchUp(early, new ControlsCourse(decided.news, "ours"))).toBe(1);
});

test("a hundred thousand records come in parts of bounded size", () => {
  const decided = new Decided();
  for (let count = 0; count < 100_000; count++) decided.set(pushOff(`n${count}`), 250);
  decided.restart(250);
  const node = new ControlSet();
  const parts = catchUp(node, new ControlsCourse(decided.news, "ours")) - 1;
  expect(parts).toBe(Math.ceil(100_000 / Math.floor(PART_BYTES / 250)));
  expect(node.all("push off")).toHaveLength(100_000);
});

test("what does not concern a role is not sent to it, and it gets to the same version", () => {
  const decided = new Decided();
  decided.set(pushOff("a"));
  decided.set({ kind: "rebalance off" });
  const course = new ControlsCourse(decided.news, "ours");
  course.heard({ controlsVersion: 0, controlsReceived: 0 });
  expect(course.next("data", false)).toMatchObject({ through: 2, records: [], removedIds: [] });
  course.heard({ controlsVersion: 0, controlsReceived: 0 });
  expect(course.next("session", false)?.records).toMatchObject([{ id: "push/namespace/a" }]);
});

test("a node that asks for none is told none; another is told each change once until it speaks again", () => {
  const decided = new Decided();
  decided.set(pushOff("a"));
  const course = new ControlsCourse(decided.news, "ours");
  course.heard({ controlsVersion: undefined, controlsReceived: 0 });
  expect(course.next("session", true)).toBeUndefined();
  course.heard({ controlsVersion: 0, controlsReceived: 0 });
  expect(course.next("session", false)).toMatchObject({ base: 0, through: 1 });
  expect(course.next("session", false)).toBeUndefined();
  decided.set(pushOff("b"));
  expect(course.next("session", false)).toMatchObject({ base: 1, through: 2 });
  course.heard({ controlsVersion: 0, controlsReceived: 0 });
  expect(course.next("session", false)).toMatchObject({ base: 0, through: 2 });
});

const namespaces = fc.constantFrom("a", "b", "c", "d", "e", "f").map(pushOff);
const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("set" as const), control: namespaces }),
    fc.record({ kind: fc.constant("remove" as const), control: namespaces }),
    fc.constant({ kind: "another meta" as const }),
    fc.constant({ kind: "heartbeat" as const }),
    fc.constant({ kind: "heartbeat, and the answer is lost" as const }),
    fc.constant({ kind: "the same part again" as const }),
  ),
  { maxLength: 60 },
);

test("whatever is decided, lost and repeated meanwhile, a node acts only by what was decided as a whole", () => {
  fc.assert(
    fc.property(steps, fc.constantFrom(PART_BYTES, PART_BYTES / 2, 100), (story, bytes) => {
      const decided = new Decided();
      const node = new ControlSet();
      const history = new Map<number, string[]>([[0, []]]);
      let course = new ControlsCourse(decided.news, "ours");
      let last: ReturnType<ControlsCourse["next"]>;
      for (const step of story) {
        if (step.kind === "set") decided.set(step.control, bytes);
        else if (step.kind === "remove") decided.remove(step.control);
        else if (step.kind === "another meta") {
          decided.restart(bytes);
          course = new ControlsCourse(decided.news, "ours");
        } else if (step.kind === "the same part again") {
          if (last !== undefined) node.take(last);
        } else {
          course.heard({ controlsVersion: node.version, controlsReceived: node.received });
          last = course.next("session", false);
          if (last !== undefined && step.kind === "heartbeat") node.take(last);
        }
        history.set(decided.version, decided.present);
        expect(idsOf(node)).toEqual(history.get(node.version));
      }
      catchUp(node, course);
      expect(idsOf(node)).toEqual(decided.present);
    }),
  );
});

test("behind are those who have not said that they act by a version, in this life", () => {
  const applied = new AppliedControls();
  const member = (nodeId: string, incarnation: number, role: "session" | "data" | "meta" = "session") => ({
    nodeId,
    incarnation,
    role,
    address: `${nodeId}:1`,
  });
  const members = [member("s1", 1), member("s2", 2), member("d1", 3, "data"), member("m1", 4, "meta")];
  applied.report(members[0]!, 7);
  applied.report(members[0]!, 6);
  applied.report(members[1]!, 6);
  const behind = (version: number, among = members) =>
    applied.behind(version, among).map(({ member: { nodeId }, version: has }) => `${nodeId} ${has}`);
  expect(behind(7)).toEqual(["s2 6", "d1 undefined"]);
  expect(behind(6)).toEqual(["d1 undefined"]);
  expect(behind(6, [member("s1", 9)])).toEqual(["s1 undefined"]);
});
