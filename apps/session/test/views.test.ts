import {
  DurationHistogram,
  NO_FILTER,
  Datum,
  Selection,
  digestOfBytes,
  filterFromInput,
  frameFromMessage,
  matches,
  noTracer,
  toggleDigest,
  EMPTY_DIGEST,
  type EncodedInstance,
  type Filter,
  type Update,
} from "@rollcall/core";
import { isMarkedUnhealthy } from "@rollcall/protocol";
import { SimClock } from "@rollcall/testing";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ServiceCopy } from "../src/views/service-copy.ts";
import { LeaderDatum, ORDERS, encoded, readInstance, version } from "./fixture.ts";

const takes = (filter: Filter, instance: EncodedInstance) => matches(filter, readInstance(instance));
const BLUE = filterFromInput({ metadata: { color: "blue" } });
const GRPC = filterFromInput({ protocol: "grpc" });

const LOCAL = filterFromInput({ zone: "here" });
const LOCAL_GRPC = filterFromInput({ zone: "here", protocol: "grpc" });

const colored = (id: string, color: string, protocol = "http", more: { zone?: string; enabled?: boolean } = {}) =>
  encoded(id, { protocol, metadata: { color }, ...more });

function copyOf() {
  const pushed: Update[] = [];
  const encodePush = (push: Update) => {
    pushed.push(push);
    return [frameFromMessage(Uint8Array.of(pushed.length))];
  };
  const ports = {
    clock: new SimClock(),
    tracer: noTracer,
    pushAges: new DurationHistogram(),
    encodePush,
    readInstance,
    isUnhealthy: isMarkedUnhealthy,
  };
  return { copy: new ServiceCopy(ORDERS, ports), pushed };
}

const idsIn = (datum: Datum) => [...datum.instances()].map(({ id }) => id).toSorted();

interface Change {
  readonly id: string;
  readonly color: string | undefined;
  readonly protocol: string;
  readonly zone: string;
  readonly enabled: boolean;
}
const changes: fc.Arbitrary<Change> = fc.record({
  id: fc.constantFrom("a", "b", "c", "d"),
  color: fc.option(fc.constantFrom("blue", "red"), { nil: undefined }),
  protocol: fc.constantFrom("grpc", "http"),
  zone: fc.constantFrom("here", "there", ""),
  enabled: fc.boolean(),
});
const filters = fc.constantFrom(
  NO_FILTER,
  BLUE,
  GRPC,
  filterFromInput({ protocol: "grpc", metadata: { color: "red" } }),
  filterFromInput({ zone: { only: "here" } }),
  LOCAL,
  LOCAL_GRPC,
);

function apply(leader: LeaderDatum, { id, color, protocol, ...more }: Change): void {
  if (color === undefined) leader.remove(id);
  else leader.put(colored(id, color, protocol, more));
}

/** What a filter takes of a whole list, said in another way than the product does. */
function selected(source: Datum, filter: Filter): EncodedInstance[] {
  const taken = [...source.instances()].filter((instance) => takes(filter, instance));
  if (filter.zoneRule === "only" || filter.zone === "") return taken;
  const local = taken.filter((instance) => readInstance(instance).zone === filter.zone);
  return local.some((instance) => readInstance(instance).enabled) ? local : taken;
}

/** What a view has to be: what the filter takes, with the digest of just those. */
function expectNaive(view: Datum, source: Datum, filter: Filter): void {
  const wanted = selected(source, filter);
  expect(idsIn(view)).toEqual(wanted.map(({ id }) => id).toSorted());
  expect(view.digest).toEqual(wanted.map(({ bytes }) => digestOfBytes(bytes)).reduce(toggleDigest, EMPTY_DIGEST));
  expect(view.version).toEqual(source.version);
}

test("a view is at any time what the filter takes of the whole, however the changes came", () => {
  const deliveries = fc.array(fc.tuple(fc.array(changes, { maxLength: 6 }), fc.boolean()), { maxLength: 12 });
  fc.assert(
    fc.property(deliveries, filters, filters, fc.nat(11), (story, early, late, opensAt) => {
      const leader = new LeaderDatum();
      const { copy } = copyOf();
      const opened: { filter: Filter; datum: Datum }[] = [copy.view(early)];
      for (const [index, [changed, asSnapshot]] of story.entries()) {
        if (index === opensAt) opened.push(copy.view(late));
        for (const change of changed) apply(leader, change);
        const { held } = copy;
        const delta = held === undefined || asSnapshot ? undefined : leader.datum.delta(held, NO_FILTER, true);
        expect(copy.apply(delta ?? leader.snapshot)).not.toBe("mismatch");
        for (const { filter, datum } of opened) expectNaive(datum, copy.datum, filter);
      }
    }),
    { numRuns: 300 },
  );
});

test("a selection looks only at what may have changed", () => {
  const leader = new LeaderDatum().put(colored("a", "blue"), colored("b", "blue"), colored("c", "red"));
  const selected = new Datum(ORDERS, version(0));
  const asked: string[] = [];
  const selection = new Selection(BLUE, (instance) => {
    asked.push(instance.id);
    return readInstance(instance);
  });
  selection.follow(selected, leader.datum, ["b", "c", "gone"]);
  expect([asked, idsIn(selected), selected.version]).toEqual([["b", "c"], ["b"], leader.datum.version]);
});

describe("a view that prefers a zone", () => {
  const here = (id: string, enabled = true) => colored(id, "blue", "http", { zone: "here", enabled });
  const there = (id: string) => colored(id, "blue", "http", { zone: "there" });

  function viewOf(leader: LeaderDatum) {
    const { copy, pushed } = copyOf();
    copy.apply(leader.snapshot);
    const view = copy.view(LOCAL);
    let news = 0;
    view.viewers.add({ hasBeenTold: () => true, viewChanged: () => void news++ });
    const follow = () => copy.apply(leader.datum.delta(copy.held!, NO_FILTER, true)!);
    return { view, follow, pushed, ids: () => idsIn(view.datum) };
  }

  test("falls back to all when nobody in it can take work, and back again", () => {
    const leader = new LeaderDatum().put(here("a"), here("b", false), there("c"), there("d"));
    const { follow, ids } = viewOf(leader);
    expect(ids()).toEqual(["a", "b"]);
    leader.put(here("a", false));
    follow();
    expect(ids()).toEqual(["a", "b", "c", "d"]);
    leader.put(here("b"));
    follow();
    expect(ids()).toEqual(["a", "b"]);
    leader.remove("a").remove("b");
    follow();
    expect(ids()).toEqual(["c", "d"]);
  });

  test("has the digest it had when only other zones change, so that nobody is pushed anything", () => {
    const leader = new LeaderDatum().put(here("a"), there("b"));
    const { view, follow } = viewOf(leader);
    const before = view.datum.digest;
    leader.put(there("c")).remove("b");
    follow();
    expect(view.datum.digest).toEqual(before);
  });

  test("brings a change of sides as a delta with proof", () => {
    const resting = ["b", "c", "d", "e", "f"].map((id) => here(id, false));
    const leader = new LeaderDatum().put(here("a"), ...resting, there("g"));
    const { view, follow, pushed } = viewOf(leader);
    const receiver = new Datum(ORDERS, version(0));
    receiver.apply(view.datum.snapshot(LOCAL, true));
    leader.put(here("a", false));
    follow();
    view.framesFor(receiver.held);
    expect(pushed.at(-1)!.instances.map(({ id }) => id)).toEqual(["g", "a"]);
    expect(receiver.apply(pushed.at(-1)!)).toBe("applied");
    expect(idsIn(receiver)).toEqual(["a", "b", "c", "d", "e", "f", "g"]);
  });
});

describe("a copy", () => {
  test("shows nothing before the leader has spoken, and what it last said from then on", () => {
    const { copy } = copyOf();
    const view = copy.view(NO_FILTER);
    expect([copy.content, copy.held, view.shown]).toEqual(["nothing", undefined, undefined]);
    copy.apply(new LeaderDatum().put(colored("a", "blue")).snapshot);
    expect([copy.content, copy.held?.version]).toEqual(["confirmed", version(1)]);
    expect(view.shown).toEqual({ datum: copy.datum, confirmed: true });
  });

  test("an update that is older or does not fit changes nothing and loads nothing", () => {
    const { copy } = copyOf();
    const leader = new LeaderDatum().put(colored("a", "blue"));
    const wrong = { ...leader.snapshot, digest: { high: 1, low: 1 } };
    expect([copy.apply(wrong), copy.content]).toEqual(["mismatch", "nothing"]);
    copy.apply(leader.snapshot);
    expect(copy.apply(leader.snapshot)).toBe("older");
  });

  test("tells the viewers of every view of the first content and of each change, and nobody of a mere version", () => {
    const { copy } = copyOf();
    let told = 0;
    const view = copy.view(BLUE);
    view.viewers.add({ hasBeenTold: () => true, viewChanged: () => void told++ });
    const leader = new LeaderDatum();
    copy.apply({ ...leader.snapshot, version: version(1) });
    expect(told).toBe(1);
    copy.apply({ ...leader.snapshot, version: version(2) });
    expect([told, view.datum.version]).toEqual([1, version(2)]);
    leader.put(colored("a", "blue"), colored("b", "blue"), colored("c", "blue"));
    copy.apply(leader.snapshot);
    expect(told).toBe(2);
  });

  test("has one view for one filter, lets go of it when nobody looks, and one that sees everything is the copy itself", () => {
    const { copy } = copyOf();
    const view = copy.view(BLUE);
    expect(copy.view(filterFromInput({ metadata: { color: ["blue"] } }))).toBe(view);
    expect(copy.view(NO_FILTER).datum).toBe(copy.datum);
    const viewer = { hasBeenTold: () => true, viewChanged: () => {} };
    view.viewers.add(viewer);
    copy.closeView(view);
    expect(copy.view(BLUE)).toBe(view);
    view.viewers.delete(viewer);
    copy.closeView(view);
    expect(copy.view(BLUE)).not.toBe(view);
  });

  test("is unused from the moment the last user has let go", () => {
    const { copy } = copyOf();
    copy.use();
    copy.use();
    copy.release(5);
    expect(copy.unusedSince).toBeUndefined();
    copy.release(7);
    expect(copy.unusedSince).toBe(7);
    copy.use();
    expect(copy.unusedSince).toBeUndefined();
  });
});

describe("a copy that nobody vouches for", () => {
  function doubtful() {
    const leader = new LeaderDatum().put(colored("a", "blue"), colored("b", "red"));
    const { copy, pushed } = copyOf();
    let told = 0;
    const views = [copy.view(NO_FILTER), copy.view(BLUE), copy.view(GRPC)];
    for (const { viewers } of views) viewers.add({ hasBeenTold: () => true, viewChanged: () => void told++ });
    copy.apply(leader.unconfirmed);
    return { leader, copy, pushed, views, told: () => told };
  }

  test("is shown as that, but where it is empty, and not said to be held", () => {
    const { copy, views, told } = doubtful();
    expect([copy.content, copy.held, told()]).toEqual(["unconfirmed", undefined, 3]);
    expect(views.map(({ shown }) => shown?.confirmed)).toEqual([false, false, undefined]);
  });

  test("becomes confirmed by the word alone, of the same content, and every view is told", () => {
    const { leader, copy, views, told } = doubtful();
    expect(copy.apply(leader.word)).toBe("older");
    expect([copy.content, copy.held, told()]).toEqual(["confirmed", leader.datum.held, 6]);
    expect(views.map(({ shown }) => shown?.confirmed)).toEqual([true, true, true]);
    copy.apply(leader.word);
    expect(told()).toBe(6);
  });

  test("takes the word also with an older version, but not about other content", () => {
    const { leader, copy } = doubtful();
    const other = new LeaderDatum().put(colored("z", "blue"));
    expect([copy.apply(other.snapshot), copy.content]).toEqual(["older", "unconfirmed"]);
    copy.apply({ ...leader.snapshot, version: version(1) });
    expect([copy.content, copy.datum.version]).toEqual(["confirmed", version(2)]);
  });

  test("takes the word with newer content, or another of its kind, and then nothing less than confirmed", () => {
    const { leader, copy, views } = doubtful();
    copy.apply(leader.put(colored("c", "blue")).unconfirmed);
    expect([copy.content, idsIn(views[1]!.datum)]).toEqual(["unconfirmed", ["a", "c"]]);
    copy.apply(leader.put(colored("d", "blue")).snapshot);
    expect([copy.content, idsIn(views[1]!.datum)]).toEqual(["confirmed", ["a", "c", "d"]]);
    expect(copy.apply(leader.remove("a").unconfirmed)).toBe("unfit");
    expect([copy.content, idsIn(views[1]!.datum)]).toEqual(["confirmed", ["a", "c", "d"]]);
  });

  test("is pushed as that; the same content confirmed is another frame", () => {
    const { leader, copy, pushed, views } = doubtful();
    const doubtfulFrame = views[0]!.framesFor(undefined);
    expect(views[0]!.framesFor(undefined)).toBe(doubtfulFrame);
    copy.apply(leader.word);
    expect(views[0]!.framesFor(undefined)).not.toBe(doubtfulFrame);
    views[1]!.framesFor(views[1]!.datum.held);
    expect(pushed.map(({ confirmed, instances }) => [confirmed, instances.length])).toEqual([
      [false, 2],
      [true, 2],
      [true, 0],
    ]);
  });
});

test("a repair, other content at the same version, reaches every view", () => {
  const { copy, pushed } = copyOf();
  const wrong = new LeaderDatum().put(colored("a", "blue"), colored("b", "blue"));
  const right = new LeaderDatum().put(colored("a", "red"), colored("c", "blue"));
  copy.apply(wrong.snapshot);
  const view = copy.view(BLUE);
  const { held } = view.datum;
  view.framesFor(undefined);
  let told = 0;
  view.viewers.add({ hasBeenTold: () => true, viewChanged: () => void told++ });
  expect(copy.apply(right.snapshot)).toBe("applied");
  expectNaive(view.datum, right.datum, BLUE);
  expect(told).toBe(1);
  // Who holds the wrong content at that version is given the whole.
  view.framesFor(held);
  view.framesFor(undefined);
  expect(pushed.map(({ instances }) => instances.map(({ id }) => id))).toEqual([["a", "b"], ["c"], ["c"]]);
});

describe("a push of a view", () => {
  function loaded() {
    const leader = new LeaderDatum().put(...["a", "b", "c", "d"].map((id) => colored(id, "blue")));
    const { copy, pushed } = copyOf();
    copy.apply(leader.snapshot);
    const advance = (change: (leader: LeaderDatum) => void) => {
      const { held } = copy;
      change(leader);
      copy.apply(leader.datum.delta(held!, NO_FILTER, true) ?? leader.snapshot);
    };
    return { copy, pushed, advance, view: copy.view(BLUE) };
  }

  test("is framed once for all who hold the same, and anew when the content moves on", () => {
    const { pushed, advance, view } = loaded();
    const { held } = view.datum;
    expect(view.framesFor(undefined)).toBe(view.framesFor(undefined));
    advance((leader) => leader.put(colored("e", "blue")));
    const delta = view.framesFor(held);
    expect(view.framesFor({ ...held })).toBe(delta);
    expect(view.framesFor(undefined)).not.toBe(delta);
    expect(pushed).toMatchObject([
      { baseDigest: undefined, filter: BLUE },
      { baseDigest: held.digest, instances: [{ id: "e" }], filter: BLUE },
      { baseDigest: undefined },
    ]);
  });

  test("is a delta only for what the receiver really holds: another content at the same version is another receiver", () => {
    const { pushed, advance, view } = loaded();
    const { held } = view.datum;
    advance((leader) => leader.put(colored("e", "blue")));
    const liar = { version: held.version, digest: { high: 1, low: 1 } };
    expect(view.framesFor(liar)).not.toBe(view.framesFor(held));
    expect(pushed.map(({ baseDigest }) => baseDigest)).toEqual([liar.digest, held.digest]);
  });

  test("of what the filter does not take is no change", () => {
    const { advance, view } = loaded();
    const { digest } = view.datum;
    advance((leader) => leader.put(colored("e", "red")));
    expect(view.datum.digest).toEqual(digest);
  });
});
