import { describe, expect, test } from "vitest";

import {
  checkAll,
  checkAutonomousClients,
  checkBoundedGhosts,
  checkBoundedResources,
  checkDisabled,
  checkDurableOverrides,
  checkOwnership,
  checkSessionTruth,
  checkSilence,
  checkUnderstanding,
} from "../src/index.ts";
import { LATE, registeredRun, said } from "./said.ts";
import { SERVICE, Story } from "./story.ts";

describe("P2, session truth", () => {
  const lacks = "P2 reader's view of default/default/orders lacks i-1, whose client provider never went away";

  test("an instance whose client never went away is missing from a view, though it comes back in the end", () => {
    const story = registeredRun().at(50_000).view("reader", 2, {}).at(50_100).view("reader", 3, { "i-1": "v1" });
    expect(said(checkSessionTruth(story.endAt(LATE)))).toEqual([lacks]);
  });

  test("a subscriber that was shown nothing is judged once there was time to show it", () => {
    const story = registeredRun().at(60_000).subscribe("blind");
    expect(said(checkSessionTruth(story.endAt(69_000)))).toEqual([]);
    expect(said(checkSessionTruth(story.endAt(LATE)))).toEqual([lacks.replace("reader", "blind")]);
  });

  test("an instance that was unregistered and registered again counts from then on", () => {
    const story = registeredRun();
    story.at(20).unregistered(story.unregister("provider", "i-1"), 2);
    story.at(30).registered(story.register("provider", "i-1"), 3);
    expect(said(checkSessionTruth(story.at(50_000).view("reader", 4, {}).endAt(LATE)))).toEqual([lacks]);
  });

  test("while faults go on, and until who was lost with them has been waited for, views may lack it", () => {
    const story = registeredRun().at(50_000).fault("data-1 is killed").at(50_010).view("reader", 2, {});
    story.at(70_000).view("reader", 3, { "i-1": "v1" });
    expect(checkSessionTruth(story.endAt(LATE))).toEqual([]);
  });

  test("a client that was away for longer than the lease, ended or took it back says nothing of views", () => {
    const away = registeredRun().at(20).tell("connection lost", "provider").at(49_000);
    away.tell("connection restored", "provider");
    const asked = registeredRun();
    asked.at(20).unregister("provider", "i-1");
    const closed = registeredRun().at(20).tell("client closed", "provider");
    for (const story of [away, asked, closed]) {
      expect(checkSessionTruth(story.at(50_000).view("reader", 2, {}).endAt(LATE))).toEqual([]);
    }
  });
});

describe("P6, bounded ghosts", () => {
  const ghost = "P6 reader's view of default/default/orders still shows i-1, whose client ended at 20 ms";

  test("an instance of a dead client is still there after lease, sweep and convergence", () => {
    const story = registeredRun().at(20).tell("client crashed", "provider");
    story.at(17_500).view("reader", 2, {});
    expect(said(checkBoundedGhosts(story.endAt(LATE)))).toEqual([ghost]);
    expect(checkBoundedGhosts(registeredRun().endAt(LATE)), "a client that lives is no ghost").toEqual([]);
  });

  test("an instance of a dead client comes back later", () => {
    const story = registeredRun().at(20).tell("client closed", "provider").at(30).view("reader", 2, {});
    story.at(60_000).view("reader", 3, { "i-1": "v1" }).at(60_010).view("reader", 4, {});
    expect(said(checkBoundedGhosts(story.endAt(LATE)))).toEqual([ghost]);
  });

  test("it is gone in time, its client has come again, or another client speaks for it", () => {
    const gone = registeredRun().at(20).tell("client crashed", "provider").at(17_000).view("reader", 2, {});
    const again = registeredRun().at(20).tell("client crashed", "provider");
    again.at(30).register("provider", "i-1");
    const other = registeredRun().at(20).tell("client crashed", "provider");
    other.at(30).register("successor", "i-1");
    for (const story of [gone, again, other]) expect(checkBoundedGhosts(story.endAt(LATE))).toEqual([]);
  });

  test("a registry that is sick takes nobody for dead: the time counts from when it is well", () => {
    const story = registeredRun().at(20).tell("client crashed", "provider").at(30).fault("meta-1 is killed");
    expect(checkBoundedGhosts(story.endAt(LATE)), "faults that never end").toEqual([]);
    story.at(40_000).record({ kind: "faults over" });
    expect(checkBoundedGhosts(story.endAt(66_000))).toEqual([]);
    expect(said(checkBoundedGhosts(story.endAt(LATE)))).toEqual([ghost]);
  });
});

describe("P8, durable overrides", () => {
  const decided = (content: string | undefined): Story =>
    registeredRun().at(1_000).record({ kind: "override", service: SERVICE, instanceId: "i-1", content });

  test("an instance that was disabled shows again after it registered again", () => {
    const story = decided(undefined).at(1_010).view("reader", 2, {});
    story.at(40_000).register("provider", "i-1");
    expect(said(checkDurableOverrides(story.at(40_010).view("reader", 3, { "i-1": "v1" }).endAt(LATE)))).toEqual([
      "P8 reader's view of default/default/orders shows i-1 as v1, which was disabled",
    ]);
  });

  test("a view never follows the decision", () => {
    expect(said(checkDurableOverrides(decided("weight 0").endAt(LATE)))).toEqual([
      "P8 reader's view of default/default/orders shows i-1 as v1, which was decided to be weight 0",
    ]);
  });

  test("a decision that is kept, has not had time to show, or was replaced by another", () => {
    expect(checkDurableOverrides(decided("v0").at(1_010).view("reader", 2, { "i-1": "v0" }).endAt(LATE))).toEqual([]);
    expect(checkDurableOverrides(decided(undefined).endAt(5_000))).toEqual([]);
    const replaced = decided(undefined).at(1_010).view("reader", 2, {});
    replaced.at(20_000).record({ kind: "override", service: SERVICE, instanceId: "i-1", content: "v1" });
    expect(checkDurableOverrides(replaced.at(20_010).view("reader", 3, { "i-1": "v1" }).endAt(LATE))).toEqual([]);
  });
});

describe("P8, disabled instances", () => {
  const ON = { kind: "enabled", service: SERVICE, instanceId: "i-1" } as const;
  const shown = { disabled: new Set(["i-1"]) };
  const decided = (): Story =>
    registeredRun()
      .at(1_000)
      .record({ ...ON, kind: "disabled" })
      .at(1_010)
      .view("reader", 2, { "i-1": "v1" }, shown);

  test("one that was disabled is shown enabled after it was registered again", () => {
    const story = decided().at(40_000).view("reader", 3, { "i-1": "v2" });
    expect(said(checkDisabled(story.at(40_010).view("reader", 4, { "i-1": "v2" }, shown).endAt(LATE)))).toEqual([
      "P8 reader's view of default/default/orders shows i-1 as enabled",
    ]);
  });

  test("a decision never shows, or shows when it was taken back", () => {
    const never = registeredRun()
      .at(1_000)
      .record({ ...ON, kind: "disabled" });
    expect(said(checkDisabled(never.endAt(LATE)))).toEqual([
      "P8 reader's view of default/default/orders shows i-1 as enabled in the end",
    ]);
    expect(said(checkDisabled(decided().at(2_000).record(ON).endAt(LATE)))).toEqual([
      "P8 reader's view of default/default/orders shows i-1 as disabled in the end",
    ]);
  });

  test("a decision that is kept, has not had time to show, or was taken back", () => {
    expect(checkDisabled(decided().endAt(LATE))).toEqual([]);
    expect(
      checkDisabled(
        decided()
          .at(2_000)
          .view("reader", 3, { "i-1": "v2" })
          .at(2_010)
          .view("reader", 4, { "i-1": "v2" }, shown)
          .endAt(LATE),
      ),
    ).toEqual([]);
    expect(
      checkDisabled(decided().at(40_000).record(ON).at(40_010).view("reader", 3, { "i-1": "v2" }).endAt(LATE)),
    ).toEqual([]);
    const twice = decided()
      .at(20_000)
      .record({ ...ON, kind: "disabled" })
      .at(40_000)
      .record(ON);
    expect(checkDisabled(twice.at(40_010).view("reader", 3, { "i-1": "v2" }).endAt(LATE))).toEqual([]);
  });
});

describe("P9, autonomous clients", () => {
  const outage = (): Story => registeredRun().at(20_000).record({ kind: "all servers down" });

  test("a view changes while there is no server that could have said so", () => {
    const story = outage().at(25_000).view("reader", 2, {}).at(30_000).record({ kind: "servers back" });
    expect(said(checkAutonomousClients(story.endAt(LATE)))).toEqual([
      "P9 reader's view of default/default/orders changes while all servers are down",
    ]);
  });

  test("a client that is started again shows what its former life saw, and nothing else", () => {
    const restarted = (seen: Record<string, string>): Story =>
      outage()
        .at(22_000)
        .tell("client crashed", "reader")
        .at(23_000)
        .subscribe("reader")
        .at(24_000)
        .view("reader", 1, seen, { confirmed: false });
    expect(checkAutonomousClients(restarted({ "i-1": "v1" }).endAt(LATE))).toEqual([]);
    for (const seen of [{}, { "i-1": "v0" }, { "i-1": "v1", "i-2": "v1" }]) {
      expect(said(checkAutonomousClients(restarted(seen as Record<string, string>).endAt(LATE)))).toEqual([
        "P9 reader's view of default/default/orders begins with what its former life did not see",
      ]);
    }
  });

  test("a service that did not change is pushed in full twice after the outage", () => {
    const story = outage().at(30_000).record({ kind: "servers back" });
    story.at(31_000).pushed("reader", "d1", { snapshot: true });
    expect(checkAutonomousClients(story.endAt(LATE)), "once is allowed").toEqual([]);
    story.at(32_000).pushed("reader", "d1", { snapshot: true });
    expect(said(checkAutonomousClients(story.endAt(LATE)))).toEqual([
      "P9 reader's view of default/default/orders is pushed in full 2 times after an outage, not 1 times at most",
    ]);
  });

  test("what was on its way, deltas, and pushes of what changed meanwhile are no violations", () => {
    const story = outage().at(20_001).view("reader", 2, { "i-1": "v1" });
    story.at(25_000).register("provider", "i-2");
    story.at(30_000).record({ kind: "servers back" });
    for (const digest of ["d1", "d2"]) story.at(31_000).pushed("reader", digest, { snapshot: true });
    story.at(32_000).pushed("reader", "d3").pushed("reader", "d3", { snapshot: true, carried: 0 });
    expect(checkAutonomousClients(story.endAt(LATE))).toEqual([]);
  });
});

test("P10: what was measured is more than its bound", () => {
  const story = new Story().record({ kind: "measured", what: "bytes waiting", value: 5, max: 5 });
  expect(checkBoundedResources(story.endAt(1))).toEqual([]);
  story.record({ kind: "measured", what: "bytes waiting", value: 6, max: 5 });
  expect(said(checkBoundedResources(story.endAt(1)))).toEqual(["P10 bytes waiting: 6, at most 5"]);
});

describe("P11, one owner at a time", () => {
  const table = (epoch: number, ...owners: readonly [string | undefined, number][]) =>
    ({
      kind: "table",
      epoch,
      leaders: owners.map(([leader]) => leader),
      leaderEpochs: owners.map(([, leaderEpoch]) => leaderEpoch),
    }) as const;

  test("two nodes, or two lives of one, apply writes of a slot at one leader epoch", () => {
    const story = new Story().record({ kind: "accepted", node: "data-1#1", slot: 7, leaderEpoch: 2 });
    story.record({ kind: "accepted", node: "data-2#1", slot: 7, leaderEpoch: 3 });
    story.record({ kind: "accepted", node: "data-2#1", slot: 8, leaderEpoch: 2 });
    story.record({ kind: "accepted", node: "data-1#1", slot: 7, leaderEpoch: 2 });
    expect(checkOwnership(story.endAt(1))).toEqual([]);
    story.record({ kind: "accepted", node: "data-1#2", slot: 7, leaderEpoch: 2 });
    expect(said(checkOwnership(story.endAt(1)))).toEqual([
      "P11 data-1#2 applies a write of slot 7 at leader epoch 2, at which data-1#1 did",
    ]);
  });

  test("tables that follow each other, come late or again, or leave a slot without a leader", () => {
    const story = new Story()
      .record(table(2, ["data-1", 1], [undefined, 4]))
      .record(table(1, [undefined, 0], ["b", 4]));
    story.record(table(2, ["data-1", 1], [undefined, 4])).record(table(3, ["data-1", 1], ["data-1", 5]));
    expect(checkOwnership(story.endAt(1))).toEqual([]);
  });

  test("a leader epoch goes back, an epoch is given twice, or a leader epoch to two leaders", () => {
    const back = new Story().record(table(1, ["data-1", 2])).record(table(2, ["data-1", 1]));
    expect(said(checkOwnership(back.endAt(1)))).toEqual(["P11 slot table 2 lowers the leader epoch of slot 0 to 1"]);
    const twice = new Story().record(table(1, ["data-1", 1])).record(table(1, ["data-1", 2]));
    expect(said(checkOwnership(twice.endAt(1)))).toEqual(["P11 two different slot tables have epoch 1"]);
    const shared = new Story().record(table(1, ["data-1", 1])).record(table(2, ["data-2", 1]));
    expect(said(checkOwnership(shared.endAt(1)))).toEqual([
      "P11 slot table 2 gives leader epoch 1 of slot 0 to data-2, data-1 had it",
    ]);
  });
});

describe("P12, silence", () => {
  test("a client is pushed what it holds, in full or as nothing", () => {
    const story = registeredRun().pushed("reader", "d1").pushed("reader", "d2").pushed("reader", "d2");
    story.pushed("reader", "d2", { carried: 0 }).pushed("reader", "d2", { snapshot: true, asked: "subscribed" });
    expect(said(checkSilence(story.endAt(LATE)))).toEqual([
      "P12 reader is pushed 1 instances that it held already of default/default/orders",
      "P12 reader is pushed no news of default/default/orders",
      "P12 reader is pushed 1 instances that it held already of default/default/orders",
    ]);
  });

  test("the answer to a subscribe, the word that a list is confirmed, and a repair are no noise", () => {
    const story = registeredRun().pushed("reader", "d1", { confirmed: false }).pushed("reader", "d1", { carried: 0 });
    story.pushed("reader", "d1", { carried: 0, asked: "subscribed" });
    story.pushed("reader", "d1", { snapshot: true, asked: "repair" }).pushed("other", "d1", { snapshot: true });
    story.pushed("reader", "d2").pushed("reader", "d1");
    expect(checkSilence(story.endAt(LATE))).toEqual([]);
  });

  test("a client on two links may be pushed the same news on both, and on neither what it said that it holds", () => {
    const asked = { kind: "asked", client: "reader", service: SERVICE, filter: "", link: "2" } as const;
    const moving = registeredRun()
      .pushed("reader", "d1")
      .record({ ...asked, digest: "d1" });
    moving.pushed("reader", "d2").pushed("reader", "d2", { link: "2" });
    expect(checkSilence(moving.endAt(LATE))).toEqual([]);
    moving.pushed("reader", "d2", { link: "2" });
    const silent = registeredRun()
      .pushed("reader", "d1")
      .record({ ...asked, digest: undefined });
    silent.pushed("reader", "d1", { link: "2", snapshot: true, asked: "subscribed" });
    const told = registeredRun()
      .record({ ...asked, digest: "d1" })
      .pushed("reader", "d1", { link: "2" });
    for (const story of [moving, silent, told]) expect(checkSilence(story.endAt(LATE))).toHaveLength(1);
  });

  test("what a client says anew may cross with one push that was on its way, and no more", () => {
    const asked = { kind: "asked", client: "reader", service: SERVICE, filter: "", link: "2" } as const;
    const story = registeredRun()
      .pushed("reader", "d1")
      .record({ ...asked, digest: "d1" })
      .pushed("reader", "d2")
      .record({ ...asked, digest: "d2" })
      .pushed("reader", "d2", { link: "2" });
    expect(checkSilence(story.endAt(LATE))).toEqual([]);
    story.pushed("reader", "d2", { link: "2" });
    expect(checkSilence(story.endAt(LATE))).toHaveLength(1);
    // What it had said on that link before is known by then, too.
    const known = registeredRun().record({ ...asked, digest: "d1" });
    known.record({ ...asked, digest: "d1" }).pushed("reader", "d1", { link: "2" });
    expect(checkSilence(known.endAt(LATE))).toHaveLength(1);
  });

  test("is judged only where nothing is lost", () => {
    const history = registeredRun().pushed("reader", "d1").pushed("reader", "d1").endAt(LATE);
    expect(checkAll(history)).toEqual([]);
    expect(checkAll(history, undefined, { lossless: true })).toHaveLength(1);
  });
});

test("R19, understanding: a node refuses what another one says, and links lose nothing", () => {
  const story = registeredRun().at(20);
  story.record({ kind: "misunderstood", from: "data-1", to: "session-1", why: "no LinkResponse" });
  const history = story.endAt(LATE);
  expect(said(checkUnderstanding(history))).toEqual(["R19 session-1 does not understand data-1: no LinkResponse"]);
  const ofAll = (lossless: boolean) => checkAll(history, undefined, { lossless }).map(({ property }) => property);
  expect([ofAll(true), ofAll(false)]).toEqual([["R19"], []]);
});
