import {
  epoch,
  instanceFromInput,
  noTracer,
  silentLog,
  type ControlRecord,
  type Epoch,
  type StaticInstance,
} from "@rollcall/core";
import { bytesFromInstance, instanceFromBytes } from "@rollcall/protocol";
import { SimClock } from "@rollcall/testing";
import { expect, test } from "vitest";

import { STATIC_HOLDER, recordOfClaim } from "../src/datums/claim.ts";
import { StaticInstances } from "../src/statics/static-instances.ts";
import { Storage } from "../src/storage.ts";
import { US, clusterState, session } from "./cluster-fixture.ts";
import { KEYS, SLOT } from "./slot-fixture.ts";

const ORDERS = KEYS[0]!;

type Put = ControlRecord<StaticInstance>;

function put(id: string, version: number, zone = ""): Put {
  const instance = instanceFromInput({ id, address: "10.0.0.1:80", zone }, () => "");
  const control = { kind: "static instance", key: ORDERS, instance } as const;
  return { id: `static/${id}`, version, author: "ann", reason: "", decidedAt: "", expiresInMs: undefined, control };
}

/** A node that knows the control records up to a version, and leads everything once it has joined. */
function startNode() {
  const simulated = new SimClock();
  const clock = simulated.nodeClock();
  const storage = new Storage(
    { nodeId: US, registrationLeaseMs: 15_000 },
    { clock, log: silentLog, tracer: noTracer, membersKnownAt: () => clock.now(), tableIsOld: () => {} },
  );
  const known = { version: 0 };
  const { announcer, datums, ownership } = storage;
  const statics = new StaticInstances(datums, {
    ledAt(slot): Epoch | undefined {
      const present = ownership.of(slot);
      return present.kind === "leading" || present.kind === "taking over" ? present.leaderEpoch : undefined;
    },
    knownVersion: () => known.version,
    announcer,
    encode: bytesFromInstance,
  });
  storage.watch(statics);
  storage.start();
  const records = new Map<string, Put>();
  return {
    storage,
    statics,
    run: (ms: number) => simulated.runFor(ms),
    /** All records there are at that version. */
    decide(version: number, ...present: Put[]): void {
      known.version = version;
      const ids = new Set([...records.keys(), ...present.map(({ id }) => id)]);
      const changes = [...ids].map((id) => ({
        before: records.get(id),
        after: present.find((record) => record.id === id),
      }));
      records.clear();
      for (const record of present) records.set(record.id, record);
      statics.adopt(changes.filter(({ before, after }) => before?.version !== after?.version));
    },
    join: (leaderEpoch = 1) => storage.adopt(clusterState({ leaderEpoch, version: leaderEpoch })),
    shown(): string[] {
      const instances = storage.shownOf(ORDERS)?.datum.instances() ?? [];
      return [...instances].map(({ bytes }) => instanceFromBytes(bytes)).map(({ id, zone }) => `${id} ${zone}`.trim());
    },
    version: () => storage.datums.heldOf(ORDERS).version,
  };
}

test("what is put is there before anybody is shown the slot", () => {
  const node = startNode();
  node.decide(7, put("a", 7));
  expect(node.shown()).toEqual([]);
  node.join();
  expect(node.storage.ownership.of(SLOT).kind).toBe("leading");
  expect(node.shown()).toEqual(["a"]);
});

test("a slot that is still being taken over has it, too, and shows nothing", () => {
  const node = startNode();
  node.decide(7, put("a", 7));
  node.storage.adopt(clusterState({ sessions: [session("s")] }));
  expect(node.storage.ownership.of(SLOT).kind).toBe("taking over");
  expect(node.storage.datums.find(ORDERS)?.datum.size).toBe(1);
  expect(node.shown()).toEqual([]);
});

test("putting again replaces, removing takes out, and each is one version", () => {
  const node = startNode();
  node.join();
  node.decide(1, put("a", 1));
  const first = node.version();
  node.decide(2, put("a", 2, "eu-1"));
  expect(node.shown()).toEqual(["a eu-1"]);
  expect(node.version().counter).toBe(first.counter + 1);
  node.decide(3);
  expect(node.shown()).toEqual([]);
  expect(node.version().counter).toBe(first.counter + 2);
  node.decide(4, put("a", 4));
  expect(node.shown()).toEqual(["a"]);
});

test("records of other services, and the same records told again, change nothing", () => {
  const node = startNode();
  node.join();
  node.decide(1, put("a", 1));
  const before = node.version();
  node.decide(2, put("a", 1));
  node.statics.adopt([{ before: undefined, after: put("a", 1) }]);
  node.statics.sweep();
  expect(node.version()).toEqual(before);
});

test("whoever leads next makes nothing of what it has as a follower", () => {
  const [old, next] = [startNode(), startNode()];
  old.join();
  old.decide(5, put("a", 5));
  const claims = [...old.storage.datums.claims()].map((claim) => recordOfClaim(claim));
  next.decide(5, put("a", 5));
  next.storage.datums.open(SLOT).take([{ key: ORDERS, claims }], old.version());
  next.join(2);
  expect(next.shown()).toEqual(["a"]);
  expect(next.version()).toEqual({ epoch: epoch(2), counter: 0 });
});

test("what was removed while the node was away goes when it leads again", () => {
  const [old, next] = [startNode(), startNode()];
  old.join();
  old.decide(5, put("a", 5));
  const claims = [...old.storage.datums.claims()].map((claim) => recordOfClaim(claim));
  next.decide(6);
  next.storage.datums.open(SLOT).take([{ key: ORDERS, claims }], old.version());
  next.join(2);
  expect(next.shown()).toEqual([]);
});

test("a claim of a record that the node has not heard of is left alone until it has", () => {
  const [old, next] = [startNode(), startNode()];
  old.join();
  old.decide(9, put("a", 9));
  const claims = [...old.storage.datums.claims()].map((claim) => recordOfClaim(claim));
  next.decide(8);
  next.storage.datums.open(SLOT).take([{ key: ORDERS, claims }], old.version());
  next.join(2);
  next.statics.sweep();
  expect(next.shown()).toEqual(["a"]);
  // It was put and removed again in between: of that no change tells.
  next.decide(10);
  next.statics.sweep();
  expect(next.shown()).toEqual([]);
});

test("a record that was restored from before its removal is followed once the removal is forgotten", async () => {
  const node = startNode();
  node.join();
  node.decide(9, put("a", 9));
  node.decide(10);
  node.decide(1_000_010, put("a", 9));
  node.statics.sweep();
  expect(node.shown()).toEqual([]);
  await node.run(200_000);
  node.statics.sweep();
  expect(node.shown()).toEqual(["a"]);
});

test("a registration of the id is shown in its place, and the other way round when it goes", () => {
  const node = startNode();
  node.join();
  node.decide(1_000, put("a", 1_000, "put"));
  const service = node.storage.datums.obtain(ORDERS);
  const instance = bytesFromInstance(
    instanceFromInput({ id: "a", address: "10.0.0.2:80", zone: "registered" }, () => ""),
  );
  const who = { key: ORDERS, leaderEpoch: epoch(1), instanceId: "a", clientId: "c", leaseMs: 0 };
  service.merge({ ...who, kind: "register", instance, version: { incarnation: 1, counter: 1 } }, "s#1");
  expect(node.shown()).toEqual(["a registered"]);
  node.decide(1_001, put("a", 1_001, "put"));
  expect(node.shown()).toEqual(["a registered"]);
  service.merge(
    { ...who, kind: "unregister", instance: new Uint8Array(), version: { incarnation: 1, counter: 2 } },
    "s#1",
  );
  expect(node.shown()).toEqual(["a put"]);
});

test("nobody waits for an operator to come back, nor ends what he has put because he does not", async () => {
  const node = startNode();
  node.join();
  node.decide(1, put("a", 1));
  node.storage.adopt(clusterState({ version: 2 }));
  await node.run(120_000);
  expect([...node.storage.datums.open(SLOT).sessions()]).not.toContain(STATIC_HOLDER);
  expect(node.shown()).toEqual(["a"]);
});
