import { create, toBinary } from "@bufbuild/protobuf";
import {
  NO_FILTER,
  RegistryError,
  filterFromInput,
  type Filter,
  type ServerHello,
  type ServiceKey,
  type SubscribeItem,
  type Update,
} from "@rollcall/core";
import {
  RegistryService,
  bytesFromWatchRequest,
  serverMessageFromBytes,
  wireFromFilter,
  wireFromKey,
} from "@rollcall/protocol";
import { describe, expect, test } from "vitest";
import { WatchLinks } from "../src/rpc/watch-links.ts";
import { GREETING, connect, helloOf, startBackend } from "./client-fixture.ts";
import { FakeStream, ORDERS, encoded, version } from "./fixture.ts";

const requestSchema = RegistryService.method.watch.input;
const requestFor = (key: ServiceKey, filter: Filter = NO_FILTER) => {
  const wanted = wireFromFilter(filter);
  return toBinary(requestSchema, create(requestSchema, { key: wireFromKey(key), ...(wanted && { filter: wanted }) }));
};

function startWatches() {
  const backend = startBackend();
  const { clock, interests, lists, registrations, barriers, events, pushes } = backend;
  const state: { greeting: ServerHello | undefined } = { greeting: GREETING };
  const watches = new WatchLinks({
    clock,
    interests,
    lists,
    registrations,
    barriers,
    events,
    pushes,
    switchedOff: backend.switchedOff,
    hello: () => state.greeting,
  });
  const open = (request?: Uint8Array) => {
    const stream = new FakeStream();
    watches.handler(stream, { address: "10.0.0.9:1" });
    const receive = (bytes: Uint8Array): void => {
      try {
        stream.listener!.message(bytes);
      } catch (thrown) {
        stream.close(RegistryError.fromUnknown(thrown));
      }
    };
    if (request !== undefined) receive(request);
    /** What came since the last time: the ids of each push. */
    const seen = async () => {
      await backend.settle();
      return stream
        .heard(serverMessageFromBytes)
        .flatMap(({ pushes }) => pushes)
        .map(
          ({ baseDigest, instances }) =>
            `${baseDigest === undefined ? "all" : "some"} ${instances.map(({ id }) => id).join(" ")}`,
        );
    };
    const heard = async () => {
      await backend.settle();
      return stream.heard(serverMessageFromBytes);
    };
    return { stream, receive, seen, heard };
  };
  /** Everything of a service, by someone who holds `held` or nothing. */
  const subscribe = (key: ServiceKey, held?: SubscribeItem["held"]): SubscribeItem => ({
    key,
    filter: NO_FILTER,
    held,
  });
  const openMany = (...subscribes: readonly SubscribeItem[]) =>
    open(bytesFromWatchRequest(helloOf("browser"), { subscribes, servicesSubscribes: [] }));
  return { ...backend, state, watches, open, openMany, subscribe };
}

describe("a watcher", () => {
  test("sees nothing before the leader has spoken, then every change as a whole, without receipts", async () => {
    const { leader, notify, open } = startWatches();
    const { seen } = open(requestFor(ORDERS));
    expect(await seen()).toEqual([]);
    leader.put(encoded("a"));
    await notify();
    expect(await seen()).toEqual(["all a"]);
    leader.put(encoded("b"));
    await notify();
    expect(await seen()).toEqual(["all a b"]);
    leader.remove("a").remove("b");
    await notify();
    expect(await seen()).toEqual(["all "]);
  });

  test("that reads slowly sees fewer pushes, always the newest", async () => {
    const { leader, notify, open } = startWatches();
    const { stream, seen } = open(requestFor(ORDERS));
    stream.congested = true;
    for (const id of ["a", "b", "c"]) {
      leader.put(encoded(id));
      await notify();
    }
    expect(await seen()).toEqual([]);
    stream.congested = false;
    stream.listener!.drained!();
    expect(await seen()).toEqual(["all a b c"]);
    stream.listener!.drained!();
    expect(await seen()).toEqual([]);
  });

  test("sees through its filter, and is told of no change that the filter does not take", async () => {
    const { leader, notify, open } = startWatches();
    const { seen } = open(requestFor(ORDERS, filterFromInput({ protocol: "grpc" })));
    leader.put(encoded("a", { protocol: "grpc" }), encoded("b"));
    await notify();
    expect(await seen()).toEqual(["all a"]);
    leader.put(encoded("c"));
    await notify();
    expect(await seen()).toEqual([]);
  });

  test("gets the very frame that a client with a connection gets", async () => {
    const backend = startWatches();
    const watcher = backend.open(requestFor(ORDERS));
    const client = connect(backend);
    client.say({ subscribes: [{ key: ORDERS, filter: NO_FILTER, held: undefined }] });
    await client.frames();
    backend.leader.put(encoded("a"));
    await backend.notify();
    expect((await client.frames())[0]).toBe(watcher.stream.frames[0]);
    expect(backend.encodedPushes).toEqual(["orders"]);
  });

  test("is shown a list that nobody vouches for as that, unless it is empty, and told when somebody does", async () => {
    const backend = startWatches();
    const { leader, interests, settle } = backend;
    const { stream } = backend.open(requestFor(ORDERS));
    const told = async (update: Update) => {
      interests.notified("d-1", update);
      await settle();
      return stream
        .heard(serverMessageFromBytes)
        .flatMap(({ pushes }) => pushes.map(({ confirmed, instances }) => [confirmed, instances.length]));
    };
    await settle();
    expect(await told({ ...leader.unconfirmed, version: version(1, 0) })).toEqual([]);
    leader.put(encoded("a"));
    expect(await told({ ...leader.unconfirmed })).toEqual([[false, 1]]);
    expect(await told(leader.word)).toEqual([[true, 1]]);
    expect(await told(leader.word)).toEqual([]);
    leader.remove("a");
    expect(await told(leader.unconfirmed)).toEqual([]);
    expect(await told(leader.snapshot)).toEqual([[true, 0]]);
  });

  test("that has gone is shown nothing, and its interest is given up in time", async () => {
    const { clock, interests, leader, notify, open } = startWatches();
    const { stream, seen } = open(requestFor(ORDERS));
    expect(await seen()).toEqual([]);
    stream.listener!.closed(undefined);
    leader.put(encoded("a"));
    await notify();
    expect(await seen()).toEqual([]);
    await clock.runFor(30_000);
    interests.sweep(clock.now());
    expect(interests.size).toBe(0);
  });
});

describe("a watcher that said hello", () => {
  test("is greeted at once, and pushed what changed without receipts", async () => {
    const { leader, notify, openMany, subscribe } = startWatches();
    leader.put(encoded("a"));
    const { heard, seen } = openMany(subscribe(ORDERS), subscribe({ ...ORDERS, service: "payments" }));
    expect(await heard()).toMatchObject([{ hello: GREETING, pushes: [] }]);
    await notify();
    expect(await seen()).toEqual(["all a"]);
    leader.put(encoded("b"));
    await notify();
    leader.remove("a");
    await notify();
    expect(await seen()).toEqual(["some b", "some "]);
  });

  test("who comes back is told only what is new to it, and in any case that it is up to date", async () => {
    const { leader, notify, openMany, subscribe } = startWatches();
    leader.put(encoded("a"));
    const first = openMany(subscribe(ORDERS));
    await notify();
    const push = (await first.heard()).flatMap(({ pushes }) => pushes)[0]!;
    first.stream.listener!.closed(undefined);
    const second = openMany(subscribe(ORDERS, push));
    expect(await second.seen()).toEqual(["some "]);
    leader.put(encoded("b"));
    await notify();
    expect(await second.seen()).toEqual(["some b"]);
  });

  test("who holds a confirmed list is shown none that nobody vouches for", async () => {
    const { leader, interests, openMany, subscribe } = startWatches();
    leader.put(encoded("a"), encoded("b"));
    const held = leader.snapshot;
    leader.remove("b");
    interests.release(interests.use(ORDERS));
    const { seen } = openMany(subscribe(ORDERS, held));
    expect(await seen()).toEqual([]);
    interests.notified("d-1", leader.unconfirmed);
    expect(await seen()).toEqual([]);
    interests.notified("d-1", leader.word);
    expect(await seen()).toHaveLength(1);
  });

  test("is refused what breaks a rule, and pushed the rest", async () => {
    const { leader, notify, openMany, subscribe } = startWatches();
    leader.put(encoded("a"));
    const { heard } = openMany(subscribe({ ...ORDERS, service: "" }), subscribe(ORDERS));
    await notify();
    const messages = await heard();
    expect(messages[0]).toMatchObject({ refusals: [{ key: { service: "" }, error: { reason: "invalid_field" } }] });
    expect(messages.flatMap(({ pushes }) => pushes)).toHaveLength(1);
  });

  test("hears something from time to time, unless there is more waiting than it reads", async () => {
    const { clock, watches, openMany } = startWatches();
    const { stream, heard } = openMany();
    await heard();
    const signsWithin = async (ms: number) => {
      for (let at = 0; at < ms; at += 1_000) {
        await clock.runFor(1_000);
        watches.sweep(clock.now());
      }
      return (await heard()).length;
    };
    expect(await signsWithin(30_000)).toBe(3);
    stream.congested = true;
    expect(await signsWithin(30_000)).toBe(0);
  });

  test("is sent away before the node knows its cluster, or when its hello breaks a rule", () => {
    const { state, open, openMany } = startWatches();
    expect(
      open(bytesFromWatchRequest(helloOf(""), { subscribes: [], servicesSubscribes: [] })).stream.closedWith,
    ).toMatchObject({ reason: "invalid_field" });
    state.greeting = undefined;
    expect(openMany().stream.closedWith).toMatchObject({ reason: "not_ready" });
  });
});

describe("who is sent away", () => {
  test.each([
    { what: "garbage", bytes: Uint8Array.of(0xff), reason: "protocol_violation" },
    { what: "a service without a name", bytes: requestFor({ ...ORDERS, service: "" }), reason: "invalid_field" },
    {
      what: "a filter that is none",
      bytes: requestFor(ORDERS, { ...NO_FILTER, metadata: [{ key: "", values: [] }] }),
      reason: "invalid_field",
    },
  ])("$what", ({ bytes, reason }) => {
    const { interests, open } = startWatches();
    expect(open(bytes).stream.closedWith).toMatchObject({ reason });
    expect(interests.size).toBe(0);
  });

  test("whoever asks twice", () => {
    const { open } = startWatches();
    const { stream, receive } = open(requestFor(ORDERS));
    receive(requestFor(ORDERS));
    expect(stream.closedWith).toMatchObject({ reason: "protocol_violation" });
  });

  test("everybody, when the node stops", () => {
    const { watches, open } = startWatches();
    const { stream } = open(requestFor(ORDERS));
    watches.stop();
    expect(stream.closedWith).toMatchObject({ reason: "shutting_down" });
  });
});
