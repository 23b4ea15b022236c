import {
  SLOT_COUNT,
  changeFromUpdate,
  emptyServiceList,
  epoch,
  memberOfService,
  memberOfSlot,
  serviceKey,
  servicePattern,
  slotId,
  slotOfServiceKey,
  updateFor,
  NO_FILTER,
  type Datum,
  type ServicesNotification,
} from "@rollcall/core";
import { framesFromServicesPush } from "@rollcall/protocol";
import { SimClock } from "@rollcall/testing";
import { describe, expect, test } from "vitest";
import { ServiceLists } from "../src/lists/service-lists.ts";
import { version } from "./fixture.ts";

const NAMESPACE = "shop";
const keyOf = (service: string) => serviceKey({ namespace: NAMESPACE, service });

/** A data node as a session hears it: it leads some of the slots, and has services in them. */
class TellingNode {
  readonly nodeId: string;
  readonly datum = emptyServiceList(NAMESPACE, version(0));
  #counter = 0;

  constructor(nodeId: string) {
    this.nodeId = nodeId;
  }

  lead(slots: Iterable<number>, leaderEpoch: number): this {
    for (const slot of slots) this.datum.put(memberOfSlot(slotId(slot), epoch(leaderEpoch)), this.#next());
    return this;
  }

  leave(slots: Iterable<number>): this {
    for (const slot of slots) this.datum.remove(`#${slot}`, this.#next());
    return this;
  }

  put(...services: string[]): this {
    for (const service of services) this.datum.put(memberOfService(keyOf(service)), this.#next());
    return this;
  }

  remove(...services: string[]): this {
    for (const service of services) this.datum.remove(memberOfService(keyOf(service)).id, this.#next());
    return this;
  }

  /** What leads whoever holds that to what it tells now. */
  tell(held?: Datum["held"]): ServicesNotification {
    return { namespace: NAMESPACE, ...changeFromUpdate(updateFor(this.datum, held, NO_FILTER, true)) };
  }

  #next() {
    return version(++this.#counter);
  }
}

const ALL = Array.from({ length: SLOT_COUNT }, (_, slot) => slot);
const slotOf = (service: string) => slotOfServiceKey(keyOf(service));

function startLists(...nodeIds: string[]) {
  const clock = new SimClock();
  const woken: string[] = [];
  const lists = new ServiceLists(clock, framesFromServicesPush, (nodeId) => void woken.push(nodeId));
  for (const nodeId of nodeIds) lists.linked(nodeId);
  const held = new Map<string, Datum["held"]>();
  const look = (parts: { group?: string; prefix?: string } = {}) => {
    const used = lists.useView(servicePattern({ namespace: NAMESPACE, ...parts }));
    let news = 0;
    used.view.viewers.add({ viewChanged: () => void news++, hasBeenTold: () => true });
    return {
      ...used,
      shown: () => used.view.shown && [...used.view.datum.instances()].map(({ id }) => id.split("/")[2]!).toSorted(),
      takeNews: () => [news, (news = 0)][0],
    };
  };
  /** The node tells what is new since the last time. */
  const hear = (node: TellingNode) => {
    const receipt = lists.notified(node.nodeId, node.tell(held.get(node.nodeId)))!;
    held.set(node.nodeId, receipt.held);
    return receipt;
  };
  const relink = (nodeId: string) => {
    lists.lost(nodeId);
    held.delete(nodeId);
    lists.linked(nodeId);
  };
  return { clock, lists, woken, look, hear, relink };
}

describe("a list of services", () => {
  test("is shown when every slot has been heard of, and not before", () => {
    const { look, hear } = startLists("d-1", "d-2");
    const { shown, takeNews } = look();
    const [first, second] = [new TellingNode("d-1"), new TellingNode("d-2")];
    hear(first.lead([slotOf("a")], 1).put("a"));
    expect([shown(), takeNews()]).toEqual([undefined, 0]);
    const others = ALL.filter((slot) => slot !== slotOf("a"));
    hear(second.lead(others.slice(1), 1));
    expect([shown(), takeNews()]).toEqual([undefined, 0]);
    hear(second.lead(others.slice(0, 1), 1));
    expect([shown(), takeNews()]).toEqual([["a"], 1]);
  });

  test("of nobody is empty, and shown as that", () => {
    const { look, hear } = startLists("d-1");
    const { shown } = look();
    hear(new TellingNode("d-1").lead(ALL, 1));
    expect(shown()).toEqual([]);
  });

  test("keeps what a node told that is lost, until the new leader of the slot tells otherwise", () => {
    const { lists, look, hear } = startLists("d-1", "d-2");
    const { shown, takeNews } = look();
    hear(new TellingNode("d-1").lead(ALL, 1).put("a", "b"));
    const second = new TellingNode("d-2");
    hear(second);
    takeNews();
    lists.lost("d-1");
    expect([shown(), takeNews()]).toEqual([["a", "b"], 0]);
    hear(second.lead([slotOf("a")], 2));
    expect([shown(), takeNews()]).toEqual([["b"], 1]);
    hear(second.lead([slotOf("b")], 2).put("b"));
    expect([shown(), takeNews()]).toEqual([["b"], 0]);
  });

  test("loses nothing when a node gives a slot away, whichever of the two is heard first", () => {
    for (const order of ["old first", "new first"]) {
      const { look, hear } = startLists("d-1", "d-2");
      const { shown, takeNews } = look();
      const [first, second] = [new TellingNode("d-1"), new TellingNode("d-2")];
      hear(first.lead(ALL, 1).put("a", "b"));
      takeNews();
      first.leave([slotOf("a")]).remove("a");
      second.lead([slotOf("a")], 2).put("a");
      for (const node of order === "old first" ? [first, second] : [second, first]) hear(node);
      expect([shown(), takeNews()], order).toEqual([["a", "b"], 0]);
      hear(second.remove("a"));
      expect(shown(), order).toEqual(["b"]);
    }
  });

  test("does not believe a leader of old", () => {
    const { look, hear } = startLists("d-1", "d-2");
    const { shown } = look();
    const [old, present] = [new TellingNode("d-1"), new TellingNode("d-2")];
    hear(old.lead(ALL, 1).put("a"));
    hear(present.lead(ALL, 2).put("a"));
    hear(old.remove("a").put("ghost"));
    expect(shown()).toEqual(["a"]);
  });

  test("is no news when a node links again and tells the same", () => {
    const { look, hear, relink } = startLists("d-1");
    const { shown, takeNews } = look();
    const node = new TellingNode("d-1");
    hear(node.lead(ALL, 1).put("a", "b"));
    takeNews();
    relink("d-1");
    hear(node);
    expect([shown(), takeNews()]).toEqual([["a", "b"], 0]);
  });

  test("loses what went while a node was not linked", () => {
    const { look, hear, relink } = startLists("d-1");
    const { shown } = look();
    const node = new TellingNode("d-1");
    hear(node.lead(ALL, 1).put("a", "b"));
    relink("d-1");
    hear(node.remove("b"));
    expect(shown()).toEqual(["a"]);
  });

  test("through a pattern has no news of what is not in it", () => {
    const { look, hear } = startLists("d-1");
    const orders = look({ prefix: "orders." });
    const blue = look({ group: "blue" });
    const node = new TellingNode("d-1");
    hear(node.lead(ALL, 1).put("orders.in", "stock"));
    expect([orders.shown(), blue.shown()]).toEqual([["orders.in"], []]);
    orders.takeNews();
    hear(node.put("payments").remove("stock"));
    expect(orders.takeNews()).toBe(0);
  });
});

describe("the interest in a list", () => {
  test("is told to every node that is linked, now or later, and again until it is answered", async () => {
    const { clock, lists, look, hear } = startLists("d-1");
    look();
    expect(lists.takeInterests("d-1")).toEqual([{ namespace: NAMESPACE, held: undefined }]);
    expect(lists.takeInterests("d-1")).toEqual([]);
    lists.linked("d-2");
    expect(lists.takeInterests("d-2")).toEqual([{ namespace: NAMESPACE, held: undefined }]);
    hear(new TellingNode("d-2"));
    await clock.runUntil(1_000);
    lists.sweep(clock.now());
    expect([lists.takeInterests("d-1").length, lists.takeInterests("d-2").length]).toEqual([1, 0]);
  });

  test("is given up some time after the last subscriber, and the list is kept that long", async () => {
    const { clock, lists, look, hear } = startLists("d-1");
    const first = look();
    hear(new TellingNode("d-1").lead(ALL, 1).put("a"));
    first.view.viewers.clear();
    first.release();
    await clock.runUntil(29_000);
    lists.sweep(clock.now());
    const second = look();
    expect(second.shown()).toEqual(["a"]);
    second.view.viewers.clear();
    second.release();
    await clock.runUntil(60_000);
    lists.sweep(clock.now());
    expect([lists.size, lists.takeUninterests("d-1")]).toEqual([0, [NAMESPACE]]);
  });

  test("of many namespaces, one after the other, fills no memory", () => {
    const { lists } = startLists("d-1");
    for (let index = 0; index < 1_000; index++) lists.useView(servicePattern({ namespace: `n${index}` })).release();
    expect(lists.size).toBeLessThanOrEqual(256);
  });

  test("is told again when the node says it has notified something else, and given up when nobody wants it", () => {
    const { lists, look, hear } = startLists("d-1");
    look();
    lists.takeInterests("d-1");
    const node = new TellingNode("d-1").lead(ALL, 1);
    const { held } = hear(node);
    lists.compare("d-1", { namespace: NAMESPACE, digest: held.digest });
    expect(lists.takeInterests("d-1")).toEqual([]);
    lists.compare("d-1", { namespace: NAMESPACE, digest: { high: 1, low: 1 } });
    expect([lists.takeInterests("d-1"), lists.repairs]).toEqual([[{ namespace: NAMESPACE, held }], 1]);
    lists.compare("d-1", { namespace: "elsewhere", digest: held.digest });
    expect(lists.takeUninterests("d-1")).toEqual(["elsewhere"]);
  });
});

test("a notification that does not lead where it says is answered with the wish for all", () => {
  const { lists, look, hear } = startLists("d-1");
  const { shown } = look();
  const node = new TellingNode("d-1").lead(ALL, 1).put("a");
  const { held } = hear(node);
  const lost = node.put("b").tell(held);
  const wrong = { ...node.put("c").tell(lost), baseDigest: lost.digest };
  expect(lists.notified("d-1", wrong)).toMatchObject({ resync: true });
  expect(lists.notified("d-1", node.tell())).toMatchObject({ resync: false });
  expect(shown()).toEqual(["a", "b", "c"]);
});
