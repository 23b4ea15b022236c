import {
  DurationHistogram,
  NO_FILTER,
  traceparentFromText,
  frameFromMessage,
  type ChangeOrigin,
  type Span,
  type Tracer,
  type Update,
} from "@rollcall/core";
import { instanceFromBytes, isMarkedUnhealthy } from "@rollcall/protocol";
import { SimClock } from "@rollcall/testing";
import { expect, test } from "vitest";
import { ServiceCopy } from "../src/views/service-copy.ts";
import { LeaderDatum, ORDERS, encoded } from "./fixture.ts";

const context = (span: number) => traceparentFromText(`00-${"1".repeat(32)}-${String(span).repeat(16)}-01`)!;

/** Hands on contexts whose span is one above that of the parent. */
function recordedTracer() {
  const ended: string[] = [];
  const tracer: Tracer = {
    start(name, parent): Span {
      const traceparent = context(Number(parent![36]) + 1);
      return { traceparent, run: (action) => action(), end: () => void ended.push(`${name} ${traceparent[36]}`) };
    },
  };
  return { tracer, ended };
}

/** A copy that has seen one list of one instance, and its leader. */
function startCopy() {
  const clock = new SimClock();
  const pushed: Update[] = [];
  const encodePush = (push: Update) => {
    pushed.push(push);
    return [frameFromMessage(Uint8Array.of(pushed.length))];
  };
  const { tracer, ended } = recordedTracer();
  const pushAges = new DurationHistogram();
  const readInstance = ({ bytes }: { bytes: Uint8Array }) => instanceFromBytes(bytes);
  const copy = new ServiceCopy(ORDERS, {
    clock,
    tracer,
    pushAges,
    encodePush,
    readInstance,
    isUnhealthy: isMarkedUnhealthy,
  });
  const leader = new LeaderDatum();
  leader.put(encoded("a"));
  copy.apply(leader.snapshot);
  const first = copy.datum.held;
  /** Another instance, as the leader tells it. */
  const change = (id: string, origin: ChangeOrigin) => {
    const { held } = copy.datum;
    leader.put(encoded(id));
    copy.apply({ ...leader.datum.delta(held, NO_FILTER, true)!, origin });
  };
  return { clock, copy, change, first, pushed, ended, pushAges, view: copy.view(NO_FILTER) };
}

test("a push tells how old its change is: what it was when it came, and the time since", async () => {
  const { clock, change, view, first, pushed, pushAges } = startCopy();
  change("b", { traceparent: undefined, ageUs: 1_500 });
  await clock.runFor(2);
  view.framesFor(first);
  expect(pushed[0]!.origin).toEqual({ traceparent: undefined, ageUs: 3_500 });
  expect(pushAges.sumMs).toBe(3.5);
});

test("the age of a change is counted once, however many different pushes bring it", () => {
  const { change, view, first, pushed, pushAges, copy } = startCopy();
  change("b", { traceparent: undefined, ageUs: 1_000 });
  const second = copy.datum.held;
  change("c", { traceparent: undefined, ageUs: 1_000 });
  view.framesFor(first);
  view.framesFor(second);
  expect(pushed).toHaveLength(2);
  expect(pushAges.sumMs).toBe(1);
});

test("a snapshot for one that asks is no change", () => {
  const { change, view, pushed, ended } = startCopy();
  change("b", { traceparent: context(1), ageUs: 10 });
  view.framesFor(undefined);
  expect(pushed[0]!.origin).toBeUndefined();
  expect(ended).toEqual([]);
});

test("one that comes late is not told of a change, nor given the frame of those who were", async () => {
  const { clock, copy, change, view, first, pushed } = startCopy();
  change("b", { traceparent: context(1), ageUs: 10 });
  const early = view.framesFor(first);
  await clock.runFor(5_000);
  copy.sweep(clock.now());
  expect(view.framesFor(first)).not.toBe(early);
  expect(pushed.map(({ origin }) => origin?.ageUs)).toEqual([10, undefined]);
});

test("the span of a traced change ends with its first push, whose context it gives", () => {
  const { change, view, first, pushed, ended } = startCopy();
  change("b", { traceparent: context(1), ageUs: 10 });
  expect(ended).toEqual([]);
  view.framesFor(first);
  expect(pushed[0]!.origin?.traceparent).toBe(context(2));
  expect(ended).toEqual(["rollcall.session.push 2"]);
});

test("of changes that coalesce the newest traced one goes on; the span of the other ends there", () => {
  const { change, view, first, pushed, ended } = startCopy();
  change("b", { traceparent: context(1), ageUs: 10 });
  change("c", { traceparent: context(5), ageUs: 10 });
  change("d", { traceparent: undefined, ageUs: 10 });
  view.framesFor(first);
  expect(pushed[0]!.origin?.traceparent).toBe(context(6));
  expect(ended).toEqual(["rollcall.session.push 2", "rollcall.session.push 6"]);
});
