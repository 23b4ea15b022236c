import { describe, expect, test } from "vitest";

import type { Client, ClientOptions, CopyStore, ServiceView } from "../src/index.ts";
import { keptCopyFromBytes } from "../src/kept/kept-copy.ts";
import { FakeDatum, FakeSession, eventsOf, ids, outcomeOf, world, type World } from "./fake-session.ts";

/** A store that outlives clients, on a clock of its own. */
class MemoryStore implements CopyStore {
  readonly place = "memory";
  readonly files = new Map<string, Uint8Array>();
  writes = 0;
  now = 1_000_000;
  /** What every write says, if anything. */
  problem: string | undefined;

  wallTime(): number {
    return this.now;
  }

  read(name: string) {
    const bytes = this.files.get(name);
    return bytes === undefined ? ({ kind: "none" } as const) : ({ kind: "found", bytes } as const);
  }

  async write(name: string, bytes: Uint8Array): Promise<string | undefined> {
    this.writes++;
    if (this.problem === undefined) this.files.set(name, bytes);
    return this.problem;
  }

  async remove(name: string): Promise<undefined> {
    this.files.delete(name);
  }

  /** Ids of the only list that is kept. */
  get ids(): string[] | undefined {
    const [bytes] = this.files.values();
    if (bytes === undefined) return undefined;
    const copy = keptCopyFromBytes(bytes);
    return typeof copy === "string" ? undefined : copy.update.instances.map(({ id }) => id);
  }
}

const MAX_AGE_MS = 60_000;
const COLLECTED_MS = 600;

interface Life extends World {
  readonly own: Client;
  readonly views: ServiceView[];
}

/** A new client that follows orders, with a session that is up or not. */
function live(store: MemoryStore, options: Partial<ClientOptions> = {}, { isUp = true } = {}): Life {
  const made = world();
  if (!isUp) made.network.unhost(made.session.address);
  const own = made.client(options, { cache: { store, maxAgeMs: MAX_AGE_MS } });
  const views: ServiceView[] = [];
  own.subscribe("orders").onChange((view) => views.push(view));
  return { ...made, own, views };
}

/** A store in which a former life has left a list. */
async function leftBehind(datum: FakeDatum): Promise<MemoryStore> {
  const store = new MemoryStore();
  const { session, run, own } = live(store);
  await run();
  session.push(datum.snapshot());
  await run();
  const closed = outcomeOf(own.close());
  await run();
  expect(closed.settled).toBe(true);
  expect(store.files.size).toBe(1);
  return store;
}

describe("a client that starts while no server can be reached", () => {
  test("shows what its former life has kept, marked, at once", async () => {
    const store = await leftBehind(new FakeDatum().put("a").put("b"));
    store.now += 5_000;
    const { own, views, run } = live(store, {}, { isUp: false });
    const resolved = outcomeOf(own.resolve("orders"));
    await run();
    expect(views).toMatchObject([{ confirmed: false, kept: { place: "memory", ageMs: 5_000 } }]);
    expect(ids(views[0])).toEqual(["a", "b"]);
    expect(ids(resolved.value as ServiceView)).toEqual(["a", "b"]);
    expect(own.subscribe("orders").current()).toBe(views[0]);
  });

  test("takes the word of the registry that it is so, without a push of it and without a call", async () => {
    const datum = new FakeDatum().put("a");
    const { network, views, run, own } = live(await leftBehind(datum), {}, { isUp: false });
    await run();
    const session = new FakeSession(network, "session-1:9600");
    await run(500);
    expect(session.take().flat()).toContain("subscribe orders held 1.2");
    session.push(datum.delta(() => {}));
    await run();
    expect(own.subscribe("orders").current()).toMatchObject({ confirmed: true, kept: undefined });
    expect(views).toHaveLength(1);
  });

  test("takes what is new of it as the change that it is", async () => {
    const datum = new FakeDatum().put("a");
    const { network, views, run } = live(await leftBehind(datum), {}, { isUp: false });
    await run();
    const session = new FakeSession(network, "session-1:9600");
    await run(500);
    session.push(datum.delta((datum) => datum.put("b")));
    await run();
    expect(views.map(ids)).toEqual([["a"], ["a", "b"]]);
    expect(views[1]).toMatchObject({ confirmed: true, kept: undefined });
  });

  test("claims to hold nothing of another cluster", async () => {
    const { network, views, run } = live(await leftBehind(new FakeDatum().put("a").put("b")), {}, { isUp: false });
    await run();
    const session = new FakeSession(network, "session-1:9600", { clusterId: "another" });
    await run(500);
    expect(session.take().flat().at(-1)).toBe("subscribe orders");
    session.push(new FakeDatum().put("c").snapshot());
    await run();
    expect(views.map(ids)).toEqual([["a", "b"], ["c"]]);
  });

  test("shows nothing that is too old", async () => {
    const store = await leftBehind(new FakeDatum().put("a"));
    store.now += MAX_AGE_MS + 1;
    const { views, run } = live(store, {}, { isUp: false });
    await run(10_000);
    expect(views).toEqual([]);
  });

  test("says that what it found is damaged, and goes on without", async () => {
    const store = await leftBehind(new FakeDatum().put("a"));
    for (const [name, bytes] of store.files) store.files.set(name, bytes.slice(0, -1));
    const { client, network, session, run } = world();
    network.unhost(session.address);
    const own = client({}, { cache: { store, maxAgeMs: MAX_AGE_MS } });
    const problems = eventsOf(own, "cacheFailed");
    const subscription = own.subscribe("orders");
    await run(1_000);
    expect(subscription.current()).toBeUndefined();
    expect(problems).toMatchObject([
      { place: "memory", service: { service: "orders" }, problem: expect.stringContaining("damaged") as unknown },
    ]);
  });
});

describe("a client that starts while servers are there", () => {
  test("shows what they say, and not what was kept", async () => {
    const datum = new FakeDatum().put("a");
    const { session, views, run } = live(await leftBehind(datum));
    await run();
    expect(session.take().flat()).toContain("subscribe orders held 1.2");
    session.push(datum.put("b").snapshot());
    await run();
    expect(views.map(ids)).toEqual([["a", "b"]]);
  });

  test("does not wait for ever for one that does not answer", async () => {
    const { views, run } = live(await leftBehind(new FakeDatum().put("a")));
    await run(400);
    expect(views).toEqual([]);
    await run(200);
    expect(views).toMatchObject([{ confirmed: false, kept: { place: "memory" } }]);
  });
});

describe("keeping", () => {
  test("collects changes, and writes the newest state of each list", async () => {
    const store = new MemoryStore();
    const datum = new FakeDatum();
    const { session, run } = live(store);
    await run();
    for (let change = 0; change < 10; change++) {
      session.push(datum.put(`i${change}`).snapshot());
      await run();
    }
    expect(store.writes).toBe(0);
    await run(COLLECTED_MS);
    expect([store.writes, store.ids?.length]).toEqual([1, 10]);
  });

  test("leaves out what nobody vouches for, and forgets a list that is empty", async () => {
    const store = new MemoryStore();
    const datum = new FakeDatum().put("a");
    const { session, run } = live(store);
    await run();
    session.push({ ...datum.snapshot(), confirmed: false });
    await run(COLLECTED_MS);
    expect(store.ids).toBeUndefined();
    session.push(datum.advance().snapshot());
    await run(COLLECTED_MS);
    expect(store.ids).toEqual(["a"]);
    session.push(datum.remove("a").snapshot());
    await run(COLLECTED_MS);
    expect(store.ids).toBeUndefined();
  });

  test("renews what has not changed, as long as there is a server that would tell", async () => {
    const store = new MemoryStore();
    const { session, run } = live(store);
    await run();
    session.push(new FakeDatum().put("a").snapshot());
    await run(COLLECTED_MS);
    await run(700_000);
    expect(store.writes).toBe(2);
    session.greets = false;
    session.close();
    await run(700_000);
    expect(store.writes).toBe(2);
  });

  test("tells once that it cannot, goes on, and tries again", async () => {
    const store = new MemoryStore();
    const datum = new FakeDatum().put("a");
    const { session, run, own, views } = live(store);
    const problems = eventsOf(own, "cacheFailed");
    store.problem = "no space left on device";
    await run();
    for (const id of ["b", "c", "d"]) {
      session.push(datum.put(id).snapshot());
      await run(COLLECTED_MS);
    }
    expect(problems).toMatchObject([{ place: "memory", problem: "no copy can be kept: no space left on device" }]);
    expect(views).toHaveLength(3);
    store.problem = undefined;
    await run(700_000);
    expect(store.ids).toEqual(["a", "b", "c", "d"]);
  });
});
