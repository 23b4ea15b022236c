import { describe, expect, test } from "vitest";
import {
  checkAcknowledgedVersions,
  checkAcknowledgements,
  checkAll,
  checkConvergence,
  checkEmptyGuard,
  checkPhantomLoss,
  checkResurrection,
  checkViews,
  formatViolations,
} from "../src/index.ts";
import { LATE, registeredRun, said } from "./said.ts";
import { ordinaryRun, Story } from "./story.ts";

test("an ordinary run violates nothing", () => {
  expect(formatViolations(checkAll(ordinaryRun().endAt(LATE)))).toBe("");
});

describe("P1, convergence", () => {
  test("a live instance is missing at the end", () => {
    const history = registeredRun().at(20).view("reader", 2, {}).endAt(LATE);
    expect(said(checkConvergence(history))).toEqual([
      "P1 reader's view of default/default/orders ends without i-1, which is registered",
    ]);
  });

  test("a subscriber that was shown nothing at all misses it too", () => {
    const history = registeredRun().at(20).subscribe("blind").endAt(LATE);
    expect(said(checkConvergence(history))).toEqual([
      "P1 blind's view of default/default/orders ends without i-1, which is registered",
    ]);
  });

  test("an instance that is gone, by unregister, orderly end or crash, is still there at the end", () => {
    const unregistered = registeredRun();
    unregistered.at(20).unregistered(unregistered.unregister("provider", "i-1"), 2);
    const closed = registeredRun().at(20).tell("client closed", "provider");
    const crashed = registeredRun().at(20).tell("client crashed", "provider");
    for (const story of [unregistered, closed, crashed]) {
      expect(said(checkConvergence(story.endAt(LATE)))).toEqual([
        "P1 reader's view of default/default/orders ends with i-1, which is gone",
      ]);
    }
  });

  test("an instance ends as what it was before its last registration", () => {
    const story = registeredRun();
    story.at(20).registered(story.register("provider", "i-1", "v2"), 2);
    expect(said(checkConvergence(story.endAt(LATE)))).toEqual([
      "P1 reader's view of default/default/orders ends with i-1 as v1 instead of v2",
    ]);
  });

  test("an instance that the filter does not take is shown at the end, or one it takes is not", () => {
    const story = ordinaryRun()
      .at(50)
      .subscribe("blind", (_, content) => content.includes("blue"), "blue?");
    story.subscribe("color-blind", (_, content) => content.includes("red"), "red?");
    story.view("color-blind", 4, { "i-2": "blue" }, { filter: "red?" });
    expect(said(checkConvergence(story.endAt(LATE)))).toEqual([
      "P1 blind's view of default/default/orders through blue? ends without i-2, which is registered",
      "P1 color-blind's view of default/default/orders through red? ends with i-2, which is gone",
    ]);
  });

  test("a client that is there was never answered", () => {
    const story = registeredRun();
    story.at(20).register("provider", "i-2");
    story.at(21).view("reader", 2, { "i-1": "v1", "i-2": "v1" });
    expect(said(checkConvergence(story.endAt(LATE)))).toEqual([
      "P1 provider was never answered its register of default/default/orders i-2 at 20 ms",
    ]);
  });

  test("an instance that nobody registered is shown at the end, and an empty end is unconfirmed", () => {
    const ghost = registeredRun().at(20).view("reader", 2, { "i-1": "v1", ghost: "v1" });
    expect(said(checkConvergence(ghost.endAt(LATE)))).toEqual([
      "P1 reader's view of default/default/orders ends with ghost, which nobody registered",
    ]);
    const empty = new Story().at(0).subscribe("reader").view("reader", 0, {}, { confirmed: false });
    expect(said(checkConvergence(empty.endAt(LATE)))).toEqual([
      "P1 reader's view of default/default/orders ends empty but unconfirmed",
    ]);
  });

  test("a run that ends before it is at rest is not judged but refused", () => {
    const history = registeredRun().fault("partition").endAt(5_000);
    expect(said(checkConvergence(history))).toEqual([
      "P1 the run ended 4988 ms after the last event: too early to judge",
    ]);
  });

  test("what the end leaves open may be either way", () => {
    for (const shown of [{}, { "i-1": "v1" }]) {
      const away = registeredRun().at(80_000).tell("connection lost", "provider").at(80_001).view("reader", 2, shown);
      expect(checkConvergence(away.endAt(LATE))).toEqual([]);
      const justCrashed = registeredRun().at(85_000).tell("client crashed", "provider").view("reader", 2, shown);
      expect(checkConvergence(justCrashed.endAt(LATE))).toEqual([]);
    }
  });

  test("subscribers that are not there at the end need not have converged", () => {
    const story = registeredRun();
    for (const client of ["left", "closed", "crashed", "away"]) story.at(20).subscribe(client);
    story
      .unsubscribe("left")
      .tell("client closed", "closed")
      .tell("client crashed", "crashed")
      .tell("connection lost", "away");
    expect(checkConvergence(story.endAt(LATE))).toEqual([]);
  });

  test("an instance that another client has taken over outlives its first client", () => {
    const story = registeredRun();
    story.at(20).registered(story.register("successor", "i-1", "v2"), 2);
    story.at(30).tell("client crashed", "provider").at(31).view("reader", 2, { "i-1": "v2" });
    expect(checkAll(story.endAt(LATE))).toEqual([]);
  });
});

describe("P3, no phantom loss", () => {
  const dropped = "P3 reader's view of default/default/orders drops i-1, which nobody took away";

  test("a view drops an instance whose client is there, whatever befell the servers", () => {
    const history = registeredRun().at(20).fault("data-1 crashed").at(30).view("reader", 2, {}).endAt(LATE);
    expect(said(checkPhantomLoss(history))).toEqual([dropped]);
  });

  test("an absence shorter than the lease is no reason", () => {
    const story = registeredRun().at(20).tell("connection lost", "provider").at(9_000).view("reader", 2, {});
    story.at(9_500).tell("connection restored", "provider");
    expect(said(checkPhantomLoss(story.endAt(LATE)))).toEqual([dropped]);
  });

  test("an unregister from before a registration that had time to show is no reason", () => {
    const story = registeredRun();
    story.at(20).unregistered(story.unregister("provider", "i-1"), 2);
    story.at(30).registered(story.register("provider", "i-1"), 3);
    story.at(40).view("reader", 3, { "i-1": "v1" }).at(20_000).view("reader", 4, {});
    expect(said(checkPhantomLoss(story.endAt(LATE)))).toEqual([dropped]);
  });

  test("an unregister, an orderly end, a crash and an absence longer than the lease are reasons", () => {
    const asked = registeredRun();
    asked.at(20).unregister("provider", "i-1");
    const stories = [
      asked,
      registeredRun().at(20).tell("client closed", "provider"),
      registeredRun().at(20).tell("client crashed", "provider"),
      registeredRun().at(20).tell("connection lost", "provider"),
    ];
    for (const story of stories) {
      expect(checkPhantomLoss(story.at(16_000).view("reader", 2, {}).endAt(LATE))).toEqual([]);
    }
  });

  test("a change that leaves the filter is a reason, one that does not is none", () => {
    const history = (content: string) => {
      const story = new Story().at(0).subscribe("reader", (_, seen) => seen.startsWith("blue"), "blue");
      story.at(10).registered(story.register("provider", "i-1", "blue 1"), 1);
      story.at(20).view("reader", 1, { "i-1": "blue 1" }, { filter: "blue" });
      story.at(30).register("provider", "i-1", content);
      return story.at(40).view("reader", 2, {}, { filter: "blue" }).endAt(LATE);
    };
    expect(checkPhantomLoss(history("red"))).toEqual([]);
    expect(checkPhantomLoss(history("blue 2"))).toHaveLength(1);
  });
});

describe("P4, no resurrection", () => {
  function goneRun(): Story {
    const story = registeredRun();
    story.at(20).unregistered(story.unregister("provider", "i-1"), 2);
    return story.at(21).view("reader", 2, {});
  }

  test("an instance comes back by itself, and ends there", () => {
    const history = goneRun().at(30_000).view("reader", 3, { "i-1": "v1" }).endAt(LATE);
    expect(said(checkResurrection(history))).toEqual([
      "P4 i-1 comes back into reader's view of default/default/orders after its unregister was acknowledged",
      "P4 reader's view of default/default/orders ends with i-1, whose unregister was acknowledged",
    ]);
  });

  test("an instance never goes at all", () => {
    const story = registeredRun();
    story.at(20).unregistered(story.unregister("provider", "i-1"), 2);
    expect(said(checkResurrection(story.endAt(LATE)))).toEqual([
      "P4 reader's view of default/default/orders ends with i-1, whose unregister was acknowledged",
    ]);
  });

  test("being registered again, even without an answer yet, is no resurrection", () => {
    const story = goneRun();
    story.at(20_000).register("provider", "i-1");
    expect(checkResurrection(story.at(20_001).view("reader", 3, { "i-1": "v1" }).endAt(LATE))).toEqual([]);
  });

  test("views that are late by less than the settle time are forgiven", () => {
    const story = goneRun().at(5_000).view("reader", 3, { "i-1": "v1" }).at(6_000).view("reader", 4, {});
    expect(checkResurrection(story.endAt(LATE))).toEqual([]);
  });
});

describe("P5, monotonic and untorn views", () => {
  test("versions go back", () => {
    const history = registeredRun().at(20).view("reader", 0, { "i-1": "v1" }).endAt(LATE);
    expect(said(checkViews(history))).toEqual([
      "P5 reader's view of default/default/orders goes back from version 1.1 to 1.0",
    ]);
  });

  test("a new leader's counter may begin again", () => {
    const history = registeredRun().at(20).view("reader", 0, { "i-1": "v1" }, { leaderEpoch: 2 }).endAt(LATE);
    expect(checkViews(history)).toEqual([]);
  });

  test("a new subscription begins anew", () => {
    const story = registeredRun().at(20).tell("client crashed", "reader").at(30).subscribe("reader");
    expect(checkViews(story.view("reader", 0, {}).endAt(LATE))).toEqual([]);
  });

  test("one version has two contents", () => {
    const story = registeredRun().at(20).subscribe("other").view("other", 1, {});
    expect(said(checkViews(story.endAt(LATE)))).toEqual([
      'P5 other\'s view of default/default/orders shows [] at version 1.1, which was [["i-1","v1"]] in reader\'s view of default/default/orders',
    ]);
    const unsure = registeredRun().at(20).subscribe("other").view("other", 1, {}, { confirmed: false });
    expect(checkViews(unsure.endAt(LATE))).toEqual([]);
  });

  test("a view shows what was never registered, or not yet, or not taken by its filter", () => {
    const invented = registeredRun().at(20).view("reader", 2, { "i-1": "v2" });
    invented.at(30).register("provider", "i-1", "v2");
    expect(said(checkViews(invented.endAt(LATE)))).toEqual([
      "P5 reader's view of default/default/orders shows i-1 as v2, which nobody had registered",
    ]);
    const outside = registeredRun()
      .at(20)
      .subscribe("picky", () => false, "none");
    expect(said(checkViews(outside.view("picky", 1, { "i-1": "v1" }, { filter: "none" }).endAt(LATE)))).toEqual([
      "P5 picky's view of default/default/orders through none shows i-1 as v1, which its filter does not take",
    ]);
  });

  test("a view nobody asked for is an error of the recording", () => {
    expect(() => checkViews(new Story().view("reader", 1, {}).endAt(LATE))).toThrow("never asked for");
  });
});

describe("P5 and P13, acknowledged versions", () => {
  test("a view at the acknowledged version lacks the instance", () => {
    const history = registeredRun().at(13).subscribe("other").view("other", 1, {}).endAt(LATE);
    expect(said(checkAcknowledgedVersions(history))).toEqual([
      "P5 other's view of default/default/orders lacks i-1, registered at version 1.1, at version 1.1",
    ]);
  });

  test("a view at the version of an unregister still shows the instance", () => {
    const story = registeredRun();
    story.at(20).unregistered(story.unregister("provider", "i-1"), 2);
    expect(said(checkAcknowledgedVersions(story.at(21).view("reader", 3, { "i-1": "v1" }).endAt(LATE)))).toEqual([
      "P5 reader's view of default/default/orders still shows i-1, unregistered at version 1.2, at version 1.3",
    ]);
  });

  test("a view shows an earlier content than the one acknowledged", () => {
    const story = registeredRun();
    story.at(20).registered(story.register("provider", "i-1", "v2"), 2);
    expect(said(checkAcknowledgedVersions(story.at(21).view("reader", 2, { "i-1": "v1" }).endAt(LATE)))).toEqual([
      "P5 reader's view of default/default/orders shows i-1 as v1, not as v2, registered at version 1.2, at version 1.2",
    ]);
  });

  test("a registration made anew is not excused by what was before it", () => {
    const story = registeredRun();
    story.at(20).unregistered(story.unregister("provider", "i-1"), 2);
    story.at(30).registered(story.register("provider", "i-1"), 3);
    expect(checkAcknowledgedVersions(story.at(31).view("reader", 3, {}).endAt(LATE))).toHaveLength(1);
  });

  test("older views, later changes, reasons to go and unconfirmed views are no violations", () => {
    const story = registeredRun()
      .at(13)
      .subscribe("other")
      .view("other", 0, {})
      .at(14)
      .view("other", 1, { "i-1": "v1" });
    story.at(20).register("provider", "i-1", "v2");
    story.at(21).view("reader", 2, { "i-1": "v2" }).view("other", 2, {}, { confirmed: false });
    story.at(30).unregister("provider", "i-1");
    story.at(31).view("reader", 3, {}).endAt(LATE);
    expect(checkAcknowledgedVersions(story.endAt(LATE))).toEqual([]);
    const absent = registeredRun().at(20).tell("connection lost", "provider").at(16_000).view("reader", 2, {});
    expect(checkAcknowledgedVersions(absent.endAt(LATE))).toEqual([]);
  });
});

describe("P13, honest acknowledgements", () => {
  test("what was acknowledged is not there at the end", () => {
    const history = registeredRun().at(20).view("reader", 2, {}).endAt(LATE);
    expect(said(checkAcknowledgements(history))).toEqual([
      "P13 reader's view of default/default/orders ends without i-1, acknowledged to provider at 11 ms",
    ]);
  });

  test("an unregister and a registration after it leave what was acknowledged last", () => {
    const story = registeredRun();
    story.at(20).unregistered(story.unregister("provider", "i-1"), 2);
    expect(checkAcknowledgements(story.at(21).view("reader", 2, {}).endAt(LATE))).toEqual([]);
    story.at(LATE).registered(story.register("provider", "i-1"), 3);
    expect(checkAcknowledgements(story.endAt(2 * LATE))).toHaveLength(1);
  });

  test("an answer to nothing, of the wrong kind, or given twice", () => {
    const story = new Story();
    const asked = story.register("provider", "i-1");
    story.registered(asked, 1).unregistered(asked, 1).registered(asked, 1).refused(99);
    expect(said(checkAcknowledgements(story.endAt(0)))).toEqual([
      "P13 event 2 (unregistered) answers what nobody asked",
      "P13 event 3 (registered) answers event 0 once more",
      "P13 event 4 (refused) answers what nobody asked",
    ]);
  });
});

describe("P7, empty guard", () => {
  test("a view becomes empty unconfirmed", () => {
    const history = registeredRun().at(20).view("reader", 2, {}, { confirmed: false }).endAt(LATE);
    expect(said(checkEmptyGuard(history))).toEqual([
      "P7 reader's view of default/default/orders becomes empty unconfirmed",
    ]);
  });

  test("a confirmed empty view, and an unconfirmed one at the beginning, are allowed", () => {
    const story = new Story().at(0).subscribe("reader").view("reader", 0, {}, { confirmed: false });
    expect(checkEmptyGuard(story.endAt(LATE))).toEqual([]);
    expect(checkEmptyGuard(registeredRun().at(20).view("reader", 2, {}).endAt(LATE))).toEqual([]);
  });
});
