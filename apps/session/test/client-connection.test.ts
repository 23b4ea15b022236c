import {
  LIMITS,
  NO_FILTER,
  filterFromInput,
  serviceKey,
  type Held,
  type ServerMessage,
  type Update,
} from "@rollcall/core";
import { describe, expect, test } from "vitest";
import { GREETING, connect, registerItem, startBackend, unregisterItem } from "./client-fixture.ts";
import { ORDERS, PAYMENTS, encoded, version } from "./fixture.ts";

const ALL = { key: ORDERS, filter: NO_FILTER };
const subscribe = (held?: Held) => ({ subscribes: [{ ...ALL, held }] });
const pushesIn = (messages: readonly ServerMessage[]) => messages.flatMap(({ pushes }) => pushes);
const idsIn = (messages: readonly ServerMessage[]) =>
  pushesIn(messages).map(({ instances }) => instances.map(({ id }) => id).join(" "));

/** A client that has been greeted and follows orders, which hold one instance. */
async function subscribed() {
  const backend = startBackend();
  const client = connect(backend);
  await client.heard();
  client.say(subscribe());
  backend.leader.put(encoded("a"));
  await backend.notify();
  const [push] = pushesIn(await client.heard());
  const receive = (held: Held, resync = false) => client.say({ receipts: [{ ...ALL, held, resync }] });
  return { ...backend, ...client, push: push!, receive };
}

describe("the greeting", () => {
  test("comes first, with whatever else is there by then", async () => {
    const backend = startBackend();
    const { connection, heard } = connect(backend);
    connection.refuse([{ sequence: 1, outcome: { kind: "applied", version: version(1) } }], []);
    const messages = await heard();
    expect(messages).toMatchObject([{ hello: GREETING, results: [{ sequence: 1 }] }]);
    connection.refuse([], []);
    expect(await heard()).toEqual([]);
  });

  test("comes before a push that is ready at once", async () => {
    const backend = startBackend();
    backend.leader.put(encoded("a"));
    const first = connect(backend, "first");
    first.say(subscribe());
    await backend.notify();
    await first.heard();
    const second = connect(backend, "second");
    second.say(subscribe());
    const messages = await second.heard();
    expect(messages.map(({ hello, pushes }) => [hello?.nodeId, pushes.length])).toEqual([
      ["session-1", 0],
      [undefined, 1],
    ]);
  });
});

describe("registering", () => {
  test("is answered by its number when the leader has answered, together with what is ready then", async () => {
    const backend = startBackend();
    const { say, heard } = connect(backend);
    await heard();
    say({ registers: [registerItem(1, 1), registerItem(2, 2, "i-2")], unregisters: [unregisterItem(3, 3)] });
    expect(await heard()).toEqual([]);
    backend.answer();
    expect(await heard()).toMatchObject([{ results: [{ sequence: 1 }, { sequence: 3 }, { sequence: 2 }], pushes: [] }]);
  });

  test("more than a client may is refused, and what it has may still change and go", async () => {
    const backend = startBackend();
    const { connection, say, heard } = connect(backend);
    const many = Array.from({ length: LIMITS.registrationsPerClient }, (_, index) =>
      registerItem(index, 1, `i-${index}`),
    );
    say({ registers: many });
    expect(connection.owner.size).toBe(LIMITS.registrationsPerClient);
    await heard();
    say({ registers: [registerItem(20_000, 1, "one-too-many")] });
    expect(await heard()).toMatchObject([
      {
        results: [
          {
            sequence: 20_000,
            outcome: {
              kind: "refused",
              error: {
                reason: "limit_exceeded",
                subject: { field: "registrations of a client", limit: "10000", value: "10001" },
              },
            },
          },
        ],
      },
    ]);
    say({ registers: [registerItem(20_001, 2, "i-7")], unregisters: [unregisterItem(20_002, 2, "i-8")] });
    expect(await heard()).toEqual([]);
    for (let written = backend.answer(); written.length > 0; written = backend.answer());
    expect(connection.owner.size).toBe(LIMITS.registrationsPerClient - 1);
    say({ registers: [registerItem(20_003, 1, "room-again")] });
    expect(backend.answer().map(({ instanceId }) => instanceId)).toEqual(["room-again"]);
  });
});

describe("a subscription", () => {
  test("is pushed the whole when it is there, and each change once", async () => {
    const { push, leader, notify, heard, receive } = await subscribed();
    expect(push).toMatchObject({ baseDigest: undefined, instances: [{ id: "a" }], confirmed: true });
    receive(push);
    leader.put(encoded("b"));
    await notify();
    const messages = await heard();
    expect(pushesIn(messages)).toMatchObject([{ baseDigest: push.digest, instances: [{ id: "b" }] }]);
    expect(await heard()).toEqual([]);
  });

  test("is shown nothing before the leader has spoken", async () => {
    const backend = startBackend();
    const { say, heard } = connect(backend);
    await heard();
    say(subscribe());
    expect(await heard()).toEqual([]);
  });

  test("of what the client already holds is answered without content", async () => {
    const { push, ...backend } = await subscribed();
    const again = connect(backend, "client-2");
    again.say(subscribe({ version: { epoch: push.version.epoch, counter: 0 }, digest: push.digest }));
    const [answer] = pushesIn(await again.heard());
    expect(answer).toMatchObject({ baseDigest: push.digest, digest: push.digest, instances: [], removedIds: [] });
  });

  test("has one push on its way; while the receipt is out changes come together, the newest wins", async () => {
    const { push, leader, notify, heard, receive } = await subscribed();
    for (const zone of ["one", "two", "three"]) {
      leader.put(encoded("b", { zone }));
      await notify();
    }
    expect(await heard()).toEqual([]);
    receive(push);
    const pushes = pushesIn(await heard());
    expect(pushes.map(({ instances }) => instances)).toEqual([[encoded("b", { zone: "three" })]]);
  });

  test("that could not use a push gets a snapshot", async () => {
    const { push, heard, receive } = await subscribed();
    receive(push, true);
    expect(pushesIn(await heard())).toMatchObject([{ baseDigest: undefined, instances: [{ id: "a" }] }]);
  });

  test("whose receipt does not come gets a snapshot, but not while the connection is congested", async () => {
    const { clock, connection, heard, stream } = await subscribed();
    stream.congested = true;
    await clock.runFor(5_000);
    connection.sweep(clock.now());
    expect(await heard()).toEqual([]);
    stream.congested = false;
    connection.sweep(clock.now());
    expect(pushesIn(await heard())).toMatchObject([{ baseDigest: undefined }]);
  });

  test("sees through its filter, and hears nothing of what the filter does not take", async () => {
    const backend = startBackend();
    const { say, heard } = connect(backend);
    await heard();
    const filter = filterFromInput({ protocol: "grpc" });
    say({ subscribes: [{ key: ORDERS, filter, held: undefined }] });
    backend.leader.put(encoded("a", { protocol: "grpc" }), encoded("b"));
    await backend.notify();
    const messages = await heard();
    expect(idsIn(messages)).toEqual(["a"]);
    const [push] = pushesIn(messages);
    expect(push!.filter).toEqual(filter);
    say({ receipts: [{ key: ORDERS, filter, held: push!, resync: false }] });
    backend.leader.put(encoded("c"));
    await backend.notify();
    expect(await heard()).toEqual([]);
  });

  test("that is given up hears nothing more, and neither does a connection that is closed", async () => {
    const { connection, push, leader, notify, heard, say, receive } = await subscribed();
    receive(push);
    say({ unsubscribes: [ALL] });
    leader.put(encoded("b"));
    await notify();
    expect([await heard(), connection.subscriptions]).toEqual([[], 0]);
    say(subscribe());
    await heard();
    connection.close();
    leader.put(encoded("c"));
    await notify();
    expect([await heard(), connection.subscriptions]).toEqual([[], 0]);
  });

  test("that is asked for again is answered again, and followed once", async () => {
    const { connection, push, heard, say, leader, notify, receive } = await subscribed();
    receive(push);
    say(subscribe(push));
    expect(pushesIn(await heard())).toHaveLength(1);
    expect(connection.subscriptions).toBe(1);
    receive(push);
    leader.put(encoded("b"));
    await notify();
    expect(pushesIn(await heard())).toHaveLength(1);
  });

  test("more than a client may is refused by name, and the others go on", async () => {
    const backend = startBackend();
    const { connection, say, heard } = connect(backend);
    await heard();
    const keys = Array.from({ length: LIMITS.subscriptionsPerClient }, (_, index) =>
      serviceKey({ service: `s-${index}` }),
    );
    say({ subscribes: keys.map((key) => ({ key, filter: NO_FILTER, held: undefined })) });
    say({ subscribes: [{ key: PAYMENTS, filter: NO_FILTER, held: undefined }] });
    expect(await heard()).toMatchObject([
      {
        refusals: [
          {
            key: PAYMENTS,
            error: {
              reason: "limit_exceeded",
              subject: { field: "subscriptions of a client", limit: "10000", value: "10001" },
            },
          },
        ],
      },
    ]);
    expect(connection.subscriptions).toBe(LIMITS.subscriptionsPerClient);
    say({ subscribes: [{ key: keys[3]!, filter: NO_FILTER, held: undefined }] });
    expect(await heard()).toEqual([]);
  });
});

describe("a list that nobody vouches for", () => {
  /** Followed by a client that holds what it says it does. */
  async function doubtful(held?: Held) {
    const backend = startBackend();
    const { say, heard } = connect(backend);
    say(subscribe(held));
    await heard();
    const told = async (update: Update) => {
      backend.interests.notified("d-1", update);
      const pushes = pushesIn(await heard());
      say({
        receipts: pushes.map(({ version: at, digest }) => ({ ...ALL, held: { version: at, digest }, resync: false })),
      });
      await heard();
      return pushes.map(({ confirmed, instances }) => [confirmed, instances.length]);
    };
    return { leader: backend.leader, told };
  }

  test("is pushed as that to who has nothing better, then the word that it is confirmed, and no empty one", async () => {
    const { leader, told } = await doubtful();
    leader.put(encoded("a")).remove("a");
    expect(await told(leader.unconfirmed)).toEqual([]);
    leader.put(encoded("a"));
    expect(await told(leader.unconfirmed)).toEqual([[false, 1]]);
    expect(await told(leader.word)).toEqual([[true, 0]]);
    expect(await told(leader.word)).toEqual([]);
  });

  test("is not pushed to who holds one that was confirmed: it hears when this one is, and only of what is news", async () => {
    const held = { version: version(1, 0), digest: { high: 1, low: 1 } };
    const { leader, told } = await doubtful(held);
    leader.put(encoded("a"));
    expect(await told(leader.unconfirmed)).toEqual([]);
    expect(await told(leader.word)).toEqual([[true, 1]]);
  });
});

describe("a push to many", () => {
  test("is encoded once, and the very same frame goes to all of them", async () => {
    const backend = startBackend();
    const clients = ["client-1", "client-2", "client-3"].map((clientId) => connect(backend, clientId));
    for (const { say } of clients) say(subscribe());
    await backend.settle();
    for (const { frames } of clients) await frames();
    backend.leader.put(encoded("a"));
    await backend.notify();
    const [first, ...others] = await Promise.all(clients.map(async ({ stream }) => stream.frames.splice(0)));
    expect(first).toHaveLength(1);
    for (const frames of others) expect(frames[0]).toBe(first![0]);
    expect(backend.encodedPushes).toEqual(["orders"]);
  });

  test("waits for none of them: one that is congested holds up nobody and gets the newest when it can", async () => {
    const backend = startBackend();
    const [slow, quick] = [connect(backend, "slow"), connect(backend, "quick")];
    for (const { say, heard } of [slow, quick]) {
      say(subscribe());
      await heard();
    }
    slow.stream.congested = true;
    for (const zone of ["one", "two", "three"]) {
      backend.leader.put(encoded("a", { zone }));
      await backend.notify();
      const [push] = pushesIn(await quick.heard());
      quick.say({ receipts: [{ ...ALL, held: push!, resync: false }] });
    }
    expect(await slow.heard()).toEqual([]);
    slow.stream.congested = false;
    slow.connection.drained();
    expect(pushesIn(await slow.heard()).map(({ instances }) => instances)).toEqual([[encoded("a", { zone: "three" })]]);
  });

  test("results wait for a congested connection as well", async () => {
    const backend = startBackend();
    const { connection, say, heard, stream } = connect(backend);
    stream.congested = true;
    say({ registers: [registerItem(1, 1)] });
    backend.answer();
    expect(await heard()).toEqual([]);
    stream.congested = false;
    connection.drained();
    expect(await heard()).toMatchObject([{ hello: GREETING, results: [{ sequence: 1 }] }]);
  });
});
