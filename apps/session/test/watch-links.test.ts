import { create, toBinary } from "@bufbuild/protobuf";
import { NO_FILTER, RegistryError, filterFromInput, type Filter, type ServiceKey, type Update } from "@rollcall/core";
import { RegistryService, serverMessageFromBytes, wireFromFilter, wireFromKey } from "@rollcall/protocol";
import { describe, expect, test } from "vitest";
import { WatchLinks } from "../src/rpc/watch-links.ts";
import { connect, startBackend } from "./client-fixture.ts";
import { FakeStream, ORDERS, encoded, version } from "./fixture.ts";

const requestSchema = RegistryService.method.watch.input;
const requestFor = (key: ServiceKey, filter: Filter = NO_FILTER) => {
  const wanted = wireFromFilter(filter);
  return toBinary(requestSchema, create(requestSchema, { key: wireFromKey(key), ...(wanted && { filter: wanted }) }));
};

function startWatches() {
  const backend = startBackend();
  const watches = new WatchLinks({ clock: backend.clock, interests: backend.interests });
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
    return { stream, receive, seen };
  };
  return { ...backend, watches, open };
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

describe("who is sent away", () => {
  test.each([
    { what: "garbage", bytes: Uint8Array.of(0xff), reason: "protocol_violation" },
    { what: "a service without a name", bytes: requestFor({ ...ORDERS, service: "" }), reason: "invalid_field" },
    {
      what: "a filter that is none",
      bytes: requestFor(ORDERS, { protocol: "", metadata: [{ key: "", values: [] }] }),
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
