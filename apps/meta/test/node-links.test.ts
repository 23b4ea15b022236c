/** MetaService.Join over the simulated network, against hand-written nodes. */

import { ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { ALL_SLOTS, silentLog, type JoinRequest, type NodeHello, type Frame } from "@rollcall/core";
import {
  JOIN_PATH,
  MetaService,
  frameFromJoinRequest,
  joinRequestFromBytes,
  joinResponseFromBytes,
} from "@rollcall/protocol";
import { SeededRandom, SimClock, SimNetwork, renderTranscript, type DescribeMessage } from "@rollcall/testing";
import { describe, expect, test } from "vitest";
import { createMetaServer } from "../src/server.ts";
import { HeldMetaStore } from "./held-meta-store.ts";
import { SAYS_NOTHING } from "./open-cluster.ts";

const META = "meta-1:9610";

async function startMeta({ store = new HeldMetaStore(), start = true } = {}) {
  const clock = new SimClock();
  const random = new SeededRandom(1);
  const network = new SimNetwork({ clock, random, traceMax: 1_000 });
  const meta = createMetaServer({ nodeId: "meta-1", nodeLeaseMs: 3_000 }, { clock, random, log: silentLog, store });
  network.host(META, meta.streams);
  if (start) await meta.start(META);
  await clock.runFor(0);

  function node(nodeId: string, role: NodeHello["role"], change: Partial<NodeHello> = {}) {
    const heard: string[] = [];
    /** The counts that came back. */
    const echoes: number[] = [];
    let sequence = 0;
    const stream = network.dialer(nodeId).dial(META, JOIN_PATH);
    stream.listen({
      message: (bytes) => {
        const { incarnation, state, sequence: echo, leader } = joinResponseFromBytes(bytes);
        if (leader !== undefined) {
          heard.push(`go to ${leader}`);
          return;
        }
        echoes.push(echo);
        heard.push(
          state === undefined
            ? `${incarnation}`
            : `${incarnation}: ${state.version} ${state.members.map((member) => member.nodeId).join(" ")}`,
        );
      },
      closed: (error) =>
        heard.push(`closed ${error?.reason ?? "in order"}${error?.subject ? ` ${error.subject.field}` : ""}`),
    });
    const say = (request: Partial<JoinRequest>): void =>
      stream.send(
        frameFromJoinRequest({
          hello: undefined,
          stateVersion: 0,
          leaving: false,
          sequence: ++sequence,
          synced: new Set(),
          load: undefined,
          controlsVersion: 0,
          controlsReceived: 0,
          draining: false,
          usage: undefined,
          unreachable: [],
          ...request,
        }),
      );
    const hello = {
      nodeId,
      startId: `${nodeId}, first start`,
      role,
      address: `${nodeId}:1`,
      incarnation: 0,
      ...SAYS_NOTHING,
      ...change,
    };
    return { heard, echoes, stream, say, join: () => say({ hello }), hello };
  }

  return { clock, network, meta, store, node };
}

const describeJoin: DescribeMessage = (_method, direction, message) => {
  if (direction === "request") {
    const { hello, stateVersion, leaving, sequence, synced } = joinRequestFromBytes(message);
    const who = hello === undefined ? "" : ` hello ${hello.role} ${hello.startId} incarnation ${hello.incarnation}`;
    const has = `has ${stateVersion}${synced.size > 0 ? ` and ${synced.size} slots in full` : ""}`;
    return `${sequence}: ${has}${who}${leaving ? " leaving" : ""}`;
  }
  const { incarnation, state, sequence } = joinResponseFromBytes(message);
  if (state === undefined) return `${sequence}: you are ${incarnation}`;
  const leaders = [...new Set(state.table.owners.map(({ leader }) => leader ?? "nobody"))].toSorted().join(", ");
  const members = state.members.map((member) => `${member.nodeId}#${member.incarnation}`).join(" ");
  const departed = state.departed.map(({ nodeId }) => ` without ${nodeId}`).join("");
  const table = `table ${state.table.epoch} led by ${leaders}`;
  return `${sequence}: you are ${incarnation}; state ${state.version}: ${members}${departed}; ${table}`;
};

test("a lead moves to a node that has said that it has the slots in full", async () => {
  const { clock, network, meta, node } = await startMeta();
  const first = node("data-1", "data");
  first.join();
  await clock.runUntil(10);
  const second = node("data-2", "data");
  second.join();
  await clock.runUntil(20);
  second.say({ stateVersion: 3, synced: new Set(ALL_SLOTS) });
  await clock.runUntil(130);
  first.say({ stateVersion: 4 });
  second.say({ stateVersion: 4 });
  await clock.runUntil(140);
  await expect(renderTranscript(network.trace(), describeJoin)).toMatchFileSnapshot("transcripts/lead-moves.txt");
  expect(meta.metrics().filter(({ name }) => name.includes("slot"))).toMatchObject([
    { name: "rollcall_meta_slot_table_epoch", value: 3 },
    { name: "rollcall_meta_slots_without_leader", value: 0 },
    { name: "rollcall_meta_slots_unsynced", value: 256 },
    { name: "rollcall_meta_slot_moves_total", type: "counter", value: 64 },
  ]);
});

test("the life of two nodes reads as a conversation", async () => {
  const { clock, network, node } = await startMeta();
  const session = node("session-1", "session");
  session.join();
  await clock.runUntil(10);
  const data = node("data-1", "data");
  data.join();
  await clock.runUntil(1_000);
  session.say({ stateVersion: 3 });
  data.say({ stateVersion: 2 });
  await clock.runUntil(1_010);
  data.say({ stateVersion: 3, leaving: true });
  data.stream.close();
  await clock.runUntil(1_100);
  await expect(renderTranscript(network.trace(), describeJoin)).toMatchFileSnapshot("transcripts/node-links.txt");
});

describe("a node that joins", () => {
  test("is told its incarnation at once and the state when it is durable and has the node in it", async () => {
    const { clock, store, node } = await startMeta();
    store.hold();
    const data = node("data-1", "data");
    data.join();
    await clock.runFor(10);
    expect(data.heard).toEqual(["1"]);
    data.say({});
    await clock.runFor(10);
    expect(data.heard).toEqual(["1", "1"]);
    store.finish();
    await clock.runFor(10);
    expect(data.heard).toEqual(["1", "1", "1: 2 data-1"]);
  });

  test("is told the state again only while its own is older", async () => {
    const { clock, node } = await startMeta();
    const data = node("data-1", "data");
    data.join();
    await clock.runFor(10);
    const { length } = data.heard;
    data.say({ stateVersion: 2 });
    data.say({ stateVersion: 1 });
    await clock.runFor(10);
    expect(data.heard.slice(length)).toEqual(["1", "1: 2 data-1"]);
  });

  test("hears of every later change without asking", async () => {
    const { clock, node } = await startMeta();
    const data = node("data-1", "data");
    data.join();
    await clock.runFor(10);
    const session = node("session-1", "session");
    session.join();
    await clock.runFor(10);
    session.say({ leaving: true });
    await clock.runFor(10);
    expect(data.heard.slice(-2)).toEqual(["1: 3 data-1 session-1", "1: 4 data-1"]);
  });

  test("and has no state yet is told by its heartbeat, also when the store failed in between", async () => {
    const { clock, store, node } = await startMeta();
    store.hold();
    const data = node("data-1", "data");
    data.join();
    await clock.runFor(10);
    store.fail("disk full");
    await clock.runFor(300);
    store.finish();
    await clock.runFor(10);
    expect(data.heard).toEqual(["1", "1: 2 data-1"]);
  });
});

describe("the count of a node's messages comes back", () => {
  test("with every answer, the newest", async () => {
    const { clock, node } = await startMeta();
    const data = node("data-1", "data");
    data.join();
    await clock.runFor(10);
    data.say({ stateVersion: 2 });
    data.say({ stateVersion: 2 });
    await clock.runFor(10);
    expect(data.echoes.slice(-2)).toEqual([2, 3]);
    node("session-1", "session").join();
    await clock.runFor(10);
    expect([data.heard.at(-1), data.echoes.at(-1)]).toEqual(["1: 3 data-1 session-1", 3]);
  });

  test("only when all that has happened is durable: until then the node knows of an older time", async () => {
    const { clock, store, node } = await startMeta();
    const data = node("data-1", "data");
    data.join();
    await clock.runFor(10);
    expect(data.echoes.at(-1)).toBe(1);
    store.hold();
    node("session-1", "session").join();
    await clock.runFor(10);
    data.say({ stateVersion: 2 });
    await clock.runFor(10);
    expect([data.heard.at(-1), data.echoes.at(-1)]).toEqual(["1", 1]);
    store.finish();
    await clock.runFor(10);
    expect([data.heard.at(-1), data.echoes.at(-1)]).toEqual(["1: 3 data-1 session-1", 2]);
  });

  test("not to a node that knows more than this meta", async () => {
    const { clock, node } = await startMeta();
    const data = node("data-1", "data");
    data.join();
    await clock.runFor(10);
    data.say({ stateVersion: 99 });
    await clock.runFor(10);
    expect([data.heard.at(-1), data.echoes.at(-1)]).toEqual(["1", 1]);
  });
});

describe("a node that does not fit", () => {
  test.each([
    { field: "slot_count", change: { slotCount: 128 } },
    { field: "replicas", change: { replicas: 3 } },
    { field: "hash", change: { hash: "md5" } },
    { field: "cluster_id", change: { clusterId: "theirs" } },
    { field: "zone", change: { zone: "a b" } },
  ])("is refused, and told that it is for its $field", async ({ field, change }) => {
    const { clock, meta, node } = await startMeta();
    const stranger = node("data-1", "data", change);
    stranger.join();
    await clock.runFor(10);
    expect([stranger.heard, meta.state()?.members]).toEqual([[`closed invalid_field ${field}`], []]);
  });

  test("is not one that says what the cluster has, nor one that says nothing", async () => {
    const { clock, meta, node } = await startMeta();
    const { clusterId } = meta.state()!;
    node("data-1", "data", { slotCount: 256, replicas: 2, hash: "murmur3-x86-128", clusterId }).join();
    node("data-2", "data").join();
    await clock.runFor(10);
    expect(meta.state()?.members).toHaveLength(2);
  });
});

describe("of two processes with one name", () => {
  const later = { startId: "second start" };

  test("at different addresses the one that is there stays; the other may have the name when it is gone", async () => {
    const { clock, meta, node } = await startMeta();
    const first = node("data-1", "data");
    first.join();
    await clock.runFor(10);
    const second = node("data-1", "data", { ...later, address: "elsewhere:1" });
    second.join();
    await clock.runFor(10);
    expect([second.heard, meta.state()?.members[0]?.address]).toEqual([["closed conflict node_id"], "data-1:1"]);
    await clock.runFor(4_000);
    const again = node("data-1", "data", { ...later, address: "elsewhere:1" });
    again.join();
    await clock.runFor(10);
    expect(meta.state()?.members[0]?.address).toBe("elsewhere:1");
    // It stood still, and does not know.
    first.say({ stateVersion: 2 });
    await clock.runFor(10);
    expect([first.heard.at(-1), meta.state()?.members[0]?.address]).toEqual(["closed conflict node_id", "elsewhere:1"]);
  });

  test("at one address the later one was started again; what is left of the earlier one is turned away", async () => {
    const { clock, meta, node } = await startMeta();
    const first = node("data-1", "data");
    first.join();
    await clock.runFor(10);
    node("data-1", "data", later).join();
    await clock.runFor(10);
    expect(meta.state()?.members).toMatchObject([{ nodeId: "data-1", incarnation: 2 }]);
    first.say({ stateVersion: 2 });
    await clock.runFor(10);
    expect([first.heard.at(-1), meta.state()?.members[0]?.incarnation]).toEqual(["closed conflict node_id", 2]);
  });
});

describe("a lease", () => {
  test("outlives the link: a node that is back in time was never away", async () => {
    const { clock, network, meta, node } = await startMeta();
    const data = node("data-1", "data");
    data.join();
    await clock.runFor(10);
    const before = meta.state();
    network.reset("data-1");
    await clock.runFor(2_000);
    const again = node("data-1", "data", { incarnation: 1 });
    again.say({ hello: again.hello, stateVersion: 2 });
    await clock.runFor(2_000);
    expect(again.heard).toEqual(["1"]);
    expect(meta.state()).toBe(before);
  });

  test("is kept by heartbeats alone", async () => {
    const { clock, meta, node } = await startMeta();
    const data = node("data-1", "data");
    data.join();
    for (let second = 0; second < 20; second++) {
      await clock.runFor(1_000);
      data.say({ stateVersion: 2 });
    }
    expect(meta.state()?.version).toBe(2);
  });

  test("that ended while the link was up is taken up again by the next heartbeat, as the life it was", async () => {
    const { clock, meta, node } = await startMeta();
    const data = node("data-1", "data");
    data.join();
    await clock.runFor(4_000);
    expect(meta.state()?.members).toEqual([]);
    data.say({ stateVersion: 2 });
    await clock.runFor(10);
    expect(data.heard.at(-1)).toBe("1: 4 data-1");
    expect(meta.state()?.members).toMatchObject([{ nodeId: "data-1", incarnation: 1 }]);
  });
});

describe("who is not let in", () => {
  test("a node that does not say hello first", async () => {
    const { clock, node } = await startMeta();
    const rude = node("data-1", "data");
    rude.say({});
    await clock.runFor(10);
    expect(rude.heard).toEqual(["closed protocol_violation"]);
  });

  test.each(["", "a/b", "-", "x".repeat(64)])("a node called %j", async (nodeId) => {
    const { clock, meta, node } = await startMeta();
    const data = node("data-1", "data", { nodeId });
    data.join();
    await clock.runFor(10);
    expect(data.heard).toEqual(["closed invalid_field node_id"]);
    expect(meta.state()?.members).toEqual([]);
  });

  test("whoever speaks another language, without harm to the others", async () => {
    const { clock, meta, node } = await startMeta();
    const data = node("data-1", "data");
    data.join();
    const garbled = node("data-2", "data");
    garbled.stream.send(Uint8Array.of(0, 0, 0, 0, 1, 0xff) as Frame);
    await clock.runFor(10);
    expect(garbled.heard).toEqual(["closed protocol_violation"]);
    data.say({});
    await clock.runFor(10);
    expect(data.heard.at(-1)).toBe("1: 2 data-1");
    expect(meta.state()?.members).toHaveLength(1);
  });

  test("anybody, before the store has been read", async () => {
    const { clock, meta, node } = await startMeta({ start: false });
    expect(meta.unready()).toEqual(["no meta is known to lead"]);
    expect(meta.state()).toBeUndefined();
    const early = node("data-1", "data");
    early.join();
    await clock.runFor(10);
    expect(early.heard).toEqual(["closed not_ready"]);
  });
});

describe("a meta that does not lead", () => {
  const other = { nodeId: "meta-2", address: "meta-2:9610" };

  test("sends nodes to the one that does, and those that it had as well", async () => {
    const { clock, meta, store, node } = await startMeta();
    const before = node("data-1", "data");
    before.join();
    await clock.runFor(10);
    store.depose("its lease has ended", other);
    const after = node("data-2", "data");
    after.join();
    await clock.runFor(10);
    expect(before.heard.at(-1)).toBe("closed unavailable");
    expect(after.heard).toEqual(["go to meta-2:9610", "closed unavailable"]);
    expect([meta.leads(), meta.unready()]).toEqual([false, []]);
  });

  test("sends them away while nobody is known to lead, and is not ready", async () => {
    const { clock, meta, store, node } = await startMeta();
    store.depose("its lease has ended");
    const data = node("data-1", "data");
    data.join();
    await clock.runFor(10);
    expect(data.heard).toEqual(["closed not_ready"]);
    expect(meta.unready()).toEqual(["no meta is known to lead"]);
  });

  test("decides nothing, tells what the other one has decided, and leads again from there", async () => {
    const { clock, meta, store, node } = await startMeta();
    node("data-1", "data").join();
    await clock.runFor(10);
    const decided = { ...store.record!, version: 17, members: [] };
    store.depose("its lease has ended", other);
    await clock.runFor(10_000);
    expect(store.record!.version).toBeLessThan(17);
    store.listener!.recordChanged(decided);
    expect(meta.state()).toMatchObject({ version: 17, members: [] });
    store.record = decided;
    store.elect();
    await clock.runFor(10);
    expect(meta.leads()).toBe(true);
    expect(meta.state()!.version).toBeGreaterThan(17);
  });
});

describe("a meta that is elected while its store does not answer", () => {
  const electedInVain = async () => {
    const started = await startMeta();
    const { clock, store } = started;
    store.depose("its lease has ended");
    store.readFailures = 2;
    store.elect();
    await clock.runFor(10);
    return started;
  };

  test("leads as soon as it does, for nobody else can lead meanwhile", async () => {
    const { clock, meta, node } = await electedInVain();
    expect([meta.leads(), meta.unready()]).toEqual([false, ["has not read its store"]]);
    await clock.runFor(1_000);
    expect([meta.leads(), meta.unready()]).toEqual([true, []]);
    const data = node("data-1", "data");
    data.join();
    await clock.runFor(10);
    expect(data.heard.at(-1)).toContain("data-1");
  });

  test("does not go on trying when its leadership is over", async () => {
    const { clock, meta, store } = await electedInVain();
    store.depose("its lease has ended");
    await clock.runFor(10_000);
    expect([meta.leads(), store.readFailures]).toEqual([false, 1]);
  });
});

test("a meta that starts on a store that does not answer says so", async () => {
  const { meta, store } = await startMeta({ start: false });
  store.readFailures = 1;
  await expect(meta.start(META)).rejects.toThrow("the store does not answer");
});

test("a meta that stops says so to everybody", async () => {
  const { clock, meta, store, node } = await startMeta();
  const data = node("data-1", "data");
  data.join();
  await clock.runFor(10);
  await meta.stop();
  await clock.runFor(10);
  expect(data.heard.at(-1)).toBe("closed shutting_down");
  expect(store.closed).toBe(true);
});

test("getCluster gives the state to whoever asks, once there is one", async () => {
  const { clock, meta } = await startMeta({ start: false });
  const client = createClient(
    MetaService,
    createRouterTransport((router) => meta.routes(router)),
  );
  await expect(client.getCluster({})).rejects.toThrow(ConnectError);
  await meta.start(META);
  await clock.runFor(0);
  expect(meta.unready()).toEqual([]);
  expect(await client.getCluster({})).toMatchObject({ state: { version: 1n, members: [] } });
});
