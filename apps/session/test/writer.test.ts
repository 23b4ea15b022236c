import { EMPTY_SLOT_TABLE, epoch, serviceKey, slotOfServiceKey, type ServiceKey, type Write } from "@rollcall/core";
import { SimClock } from "@rollcall/testing";
import { describe, expect, test } from "vitest";
import { Writer, type FinalOutcome, type Outgoing, type WriteBody } from "../src/routing/writer.ts";
import { ORDERS, PAYMENTS, slotTable, tableWith, version } from "./fixture.ts";

class Wish implements Outgoing {
  readonly slot;
  readonly key: ServiceKey;
  readonly name: string;
  counter = 1;
  isPending = false;
  isThere = true;
  bytes = new Uint8Array(0);
  readonly outcomes: string[] = [];

  constructor(name: string, key: ServiceKey = ORDERS) {
    this.name = name;
    this.key = key;
    this.slot = slotOfServiceKey(key);
  }

  body(): WriteBody | undefined {
    if (!this.isThere) return undefined;
    return {
      kind: "register",
      key: this.key,
      instanceId: this.name,
      clientId: "c",
      version: { incarnation: 1, counter: this.counter },
      instance: this.bytes,
      leaseMs: 0,
    };
  }

  settled(sent: WriteBody, outcome: FinalOutcome): void {
    this.outcomes.push(`${sent.version.counter} ${outcome.kind}`);
  }
}

function startWriter() {
  const clock = new SimClock();
  const woken: string[] = [];
  const told = { tableIsOld: 0 };
  const writer = new Writer({ clock, wake: (nodeId) => woken.push(nodeId), tableIsOld: () => told.tableIsOld++ });
  const names = (writes: readonly Write[]) => writes.map(({ instanceId }) => instanceId);
  return { clock, writer, woken, told, take: (nodeId: string) => names(writer.take(nodeId)) };
}

const applied = { kind: "applied", version: version(1) } as const;
const refused = (kind: "moved" | "migrating" | "stale", tableEpoch = 1) =>
  ({ kind, tableEpoch: epoch(tableEpoch), leaderEpoch: epoch(1) }) as const;

describe("routing", () => {
  test("a write waits until its slot has a leader, who is then woken", () => {
    const { writer, woken, take } = startWriter();
    writer.enqueue(new Wish("i-1"));
    expect([woken, writer.waiting]).toEqual([[], 1]);
    writer.adopt(slotTable(1, "d-1"));
    expect(woken).toEqual(["d-1"]);
    expect([take("d-2"), take("d-1"), take("d-1")]).toEqual([[], ["i-1"], []]);
    expect(writer.waiting).toBe(1);
  });

  test("each goes to the leader of its own slot, at that slot's epoch", () => {
    const { writer } = startWriter();
    writer.adopt(tableWith(slotTable(3, "d-1"), PAYMENTS, "d-2", 9));
    writer.enqueue(new Wish("i-1"));
    writer.enqueue(new Wish("i-2", PAYMENTS));
    expect(writer.take("d-1")).toMatchObject([{ instanceId: "i-1", leaderEpoch: 3 }]);
    expect(writer.take("d-2")).toMatchObject([{ instanceId: "i-2", leaderEpoch: 9 }]);
  });

  test("what waits goes to the new leader when the slot moves, and to nobody while there is none", () => {
    const { writer, take } = startWriter();
    writer.adopt(slotTable(1, "d-1"));
    writer.enqueue(new Wish("i-1"));
    writer.adopt(slotTable(2, undefined, 1));
    expect(take("d-1")).toEqual([]);
    writer.adopt(slotTable(3, "d-2", 2));
    expect([take("d-1"), take("d-2")]).toEqual([[], ["i-1"]]);
  });

  test("one that has nothing to say any more is not sent and not waited for", () => {
    const { writer, take } = startWriter();
    writer.adopt(slotTable(1, "d-1"));
    const wish = new Wish("i-1");
    writer.enqueue(wish);
    wish.isThere = false;
    expect([take("d-1"), writer.waiting]).toEqual([[], 0]);
  });

  test("the newest word is what goes out, once, however often it was put in line", () => {
    const { writer } = startWriter();
    writer.adopt(slotTable(1, "d-1"));
    const wish = new Wish("i-1");
    for (const counter of [1, 2, 3]) {
      wish.counter = counter;
      writer.enqueue(wish);
    }
    expect(writer.take("d-1")).toMatchObject([{ version: { counter: 3 } }]);
  });
});

describe("batches", () => {
  test("hold so many writes at most, and the rest follows", () => {
    const { writer, take } = startWriter();
    writer.adopt(slotTable(1, "d-1"));
    const wishes = Array.from(
      { length: 1_300 },
      (_, index) => new Wish(`i-${index}`, serviceKey({ service: `s-${index % 7}` })),
    );
    for (const wish of wishes) writer.enqueue(wish);
    const batches = [take("d-1"), take("d-1"), take("d-1"), take("d-1")];
    expect(batches.map(({ length }) => length)).toEqual([512, 512, 276, 0]);
    expect(new Set(batches.flat()).size).toBe(1_300);
  });

  test("hold only as many bytes as a frame may carry, however large the instances are", () => {
    const { writer } = startWriter();
    writer.adopt(slotTable(1, "d-1"));
    for (let index = 0; index < 400; index++) {
      const wish = new Wish(`i-${index}`);
      wish.bytes = new Uint8Array(25 * 1_024);
      writer.enqueue(wish);
    }
    let total = 0;
    for (let batch = writer.take("d-1"); batch.length > 0; batch = writer.take("d-1")) {
      const bytes = batch.reduce((sum, { instance }) => sum + instance.length, 0);
      expect(bytes).toBeLessThanOrEqual(512 * 1_024);
      total += batch.length;
    }
    expect(total).toBe(400);
  });

  test("number their writes without repeating a number", () => {
    const { writer } = startWriter();
    writer.adopt(slotTable(1, "d-1"));
    const sequences = [1, 2].flatMap(() => {
      for (const name of ["i-1", "i-2"]) writer.enqueue(new Wish(name));
      return writer.take("d-1").map(({ sequence }) => sequence);
    });
    expect(sequences).toEqual([1, 2, 3, 4]);
  });
});

describe("results", () => {
  function sent() {
    const started = startWriter();
    started.writer.adopt(slotTable(1, "d-1"));
    const wish = new Wish("i-1");
    started.writer.enqueue(wish);
    const [write] = started.writer.take("d-1");
    started.woken.length = 0;
    const settle = (outcome: Parameters<Writer["settle"]>[0]["outcome"], sequence = write!.sequence) =>
      started.writer.settle({ sequence, outcome });
    return { ...started, wish, settle };
  }

  test.each([applied, { kind: "superseded", by: { incarnation: 1, counter: 2 } }, { kind: "unknown" }] as const)(
    "$kind settles it, once",
    (outcome) => {
      const { writer, wish, settle } = sent();
      settle(outcome);
      settle(outcome);
      settle(outcome, 99);
      expect([wish.outcomes, writer.waiting]).toEqual([[`1 ${outcome.kind}`], 0]);
    },
  );

  test("say which word they answer to, when there is a newer one by now", () => {
    const { writer, wish, settle } = sent();
    wish.counter = 2;
    writer.enqueue(wish);
    settle(applied);
    expect(wish.outcomes).toEqual(["1 applied"]);
    expect(writer.take("d-1")).toMatchObject([{ version: { counter: 2 } }]);
  });

  test.each(["moved", "migrating", "stale"] as const)("%s parks it until the pause is over", async (kind) => {
    const { clock, writer, wish, settle, woken, take } = sent();
    settle(refused(kind));
    expect([wish.outcomes, take("d-1"), writer.waiting]).toEqual([[], [], 1]);
    await clock.runFor(49);
    expect([woken, take("d-1")]).toEqual([[], []]);
    await clock.runFor(1);
    expect([woken, take("d-1")]).toEqual([["d-1"], ["i-1"]]);
  });

  test("a newer table brings the parked ones back at once, to whoever leads now", async () => {
    const { clock, writer, settle, woken, take } = sent();
    settle(refused("moved"));
    writer.adopt(slotTable(2, "d-2"));
    expect(new Set(woken)).toEqual(new Set(["d-2"]));
    expect(take("d-2")).toEqual(["i-1"]);
    await clock.runFor(1_000);
    expect(take("d-2")).toEqual([]);
  });

  test("what is on its way to a leader that is one no more goes to the new one at once, and the old answer is late", () => {
    const { writer, wish, settle, take } = sent();
    writer.adopt(slotTable(2, "d-2"));
    expect(take("d-2")).toEqual(["i-1"]);
    settle(applied);
    expect(wish.outcomes).toEqual([]);
  });

  test("what is on its way stays there when a newer table changes nothing for its slot", () => {
    const { writer, take } = sent();
    writer.adopt(slotTable(2, "d-1", 1));
    expect(take("d-1")).toEqual([]);
  });

  test.each([
    { kind: "moved", tableEpoch: 2, tells: 1 },
    { kind: "stale", tableEpoch: 2, tells: 1 },
    { kind: "migrating", tableEpoch: 2, tells: 0 },
    { kind: "moved", tableEpoch: 1, tells: 0 },
    { kind: "stale", tableEpoch: 1, tells: 0 },
  ] as const)(
    "$kind by a node at table $tableEpoch: told $tells times that ours is old",
    ({ kind, tableEpoch, tells }) => {
      const { told, settle } = sent();
      settle(refused(kind, tableEpoch));
      expect(told.tableIsOld).toBe(tells);
    },
  );

  test("an old table is told of once for each round of retries, however many writes it costs", async () => {
    const { clock, writer, told } = startWriter();
    writer.adopt(slotTable(1, "d-1"));
    for (const name of ["i-1", "i-2", "i-3"]) writer.enqueue(new Wish(name));
    const refuseAll = () => {
      for (const { sequence } of writer.take("d-1")) writer.settle({ sequence, outcome: refused("moved", 2) });
    };
    refuseAll();
    expect(told.tableIsOld).toBe(1);
    await clock.runFor(50);
    refuseAll();
    expect(told.tableIsOld).toBe(2);
  });

  test("that do not come make it go out again, and a late one is not counted twice", async () => {
    const { clock, writer, wish, settle } = sent();
    writer.sweep(clock.now() + 1_999);
    expect(writer.take("d-1")).toEqual([]);
    await clock.runFor(2_000);
    writer.sweep(clock.now());
    const [again] = writer.take("d-1");
    settle(applied);
    expect(wish.outcomes).toEqual([]);
    settle(applied, again!.sequence);
    expect(wish.outcomes).toEqual(["1 applied"]);
  });

  test("that are lost with the link make it go out again, to that node's neighbours nothing happens", () => {
    const { writer, take } = sent();
    writer.lost("d-2");
    expect(take("d-1")).toEqual([]);
    writer.lost("d-1");
    expect(take("d-1")).toEqual(["i-1"]);
  });
});

test("a slot that is nobody's wakes nobody", () => {
  const { writer, woken } = startWriter();
  writer.adopt(EMPTY_SLOT_TABLE);
  writer.enqueue(new Wish("i-1"));
  expect(woken).toEqual([]);
});

describe("what waits to be sent", () => {
  test("is known by slot and by node: in line or parked, but not what is on its way", async () => {
    const { clock, writer } = startWriter();
    writer.adopt(tableWith(slotTable(1, "d-1"), PAYMENTS, "d-2", 1));
    const [slot, other] = [slotOfServiceKey(ORDERS), slotOfServiceKey(PAYMENTS)];
    const waiting = () => [writer.hasPending(slot), writer.hasPendingFor("d-1"), writer.hasPendingFor("d-2")];
    expect(waiting()).toEqual([false, false, false]);
    writer.enqueue(new Wish("i-1"));
    expect([waiting(), writer.hasPending(other)]).toEqual([[true, true, false], false]);
    const [write] = writer.take("d-1");
    expect([waiting(), writer.lastSequence]).toEqual([[false, false, false], write!.sequence]);
    writer.settle({ sequence: write!.sequence, outcome: refused("migrating") });
    expect(waiting()).toEqual([true, true, false]);
    await clock.runFor(50);
    expect(waiting()).toEqual([true, true, false]);
    writer.take("d-1");
    expect(waiting()).toEqual([false, false, false]);
  });
});
