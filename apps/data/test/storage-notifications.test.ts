import { instanceFromInput, serviceKey } from "@rollcall/core";
import { bytesFromInstance } from "@rollcall/protocol";
import { describe, expect, test } from "vitest";
import { session } from "./cluster-fixture.ts";
import { ORDERS, startStorage, zonesIn } from "./storage-fixture.ts";

const A = session("a");
const B = session("b");

describe("notifications", () => {
  test("go to those who are interested, and to nobody else", async () => {
    const { link } = startStorage();
    const [a, b, c] = [link(A), link(B), link(session("c"))];
    await a.confirm(await a.follow());
    await b.confirm(await b.follow(serviceKey({ service: "payments" })));
    await c.writes(c.write("register", "i-1", 1));
    expect(a.notifications(await a.heard()).map(zonesIn)).toEqual([["i-1"]]);
    expect(await b.heard()).toEqual([]);
    expect(await c.heard()).toEqual([]);
  });

  test("of a list that is too large for one message come in parts", async () => {
    const { link } = startStorage();
    const [a, b] = [link(A), link(B)];
    const payload = new Uint8Array(16 * 1_024);
    const large = Array.from({ length: 300 }, (_, index) => {
      const instance = instanceFromInput({ id: `i-${index}`, address: "10.0.0.1:80", payload }, () => "");
      return { ...b.write("register", instance.id, 1), instance: bytesFromInstance(instance) };
    });
    await b.writes(...large);
    const frames = await a.say({ interests: [{ key: ORDERS, held: undefined }] });
    const parts = frames.flatMap(({ notifications }) => notifications);
    expect(parts.map(({ more }) => more)).toEqual([true, true, false]);
    expect(frames.every(({ notifications }) => notifications.length === 1)).toBe(true);
    expect(parts.flatMap(({ instances }) => instances)).toHaveLength(300);
  });

  test("answer whoever asks, also when there is nothing", async () => {
    const { link } = startStorage();
    const updates = await link(A).follow();
    expect(updates).toMatchObject([{ key: ORDERS, instances: [], baseDigest: undefined, confirmed: true }]);
  });

  test("one is on its way at a time: what changes meanwhile comes together, as a delta, after the receipt", async () => {
    const { link } = startStorage();
    const [a, b] = [link(A), link(B)];
    await b.writes(b.write("register", "i-0", 1), b.write("register", "i-1", 1), b.write("register", "i-2", 1));
    const first = await a.follow();
    await b.writes(b.write("register", "i-3", 1));
    await b.writes(b.write("register", "i-3", 2, { zone: "newest" }), b.write("unregister", "i-0", 2));
    expect(await a.heard()).toEqual([]);
    const second = a.notifications(await a.confirm(first));
    expect(second).toMatchObject([{ baseDigest: first[0]!.digest, removedIds: ["i-0"] }]);
    expect(second.map(zonesIn)).toEqual([["i-3 newest"]]);
    expect(await a.confirm(second)).toEqual([]);
    expect([...a.copies.values()][0]!.size).toBe(3);
  });

  test("of equal content are not sent", async () => {
    const { link } = startStorage();
    const [a, b] = [link(A), link(B)];
    await b.writes(b.write("register", "i-1", 1));
    await a.confirm(await a.follow());
    await b.writes(b.write("register", "i-1", 2), b.write("register", "i-1", 1), b.write("unregister", "i-9", 1));
    expect(await a.heard()).toEqual([]);
  });

  test("wait while the link is congested, and the newest goes out when it is not", async () => {
    const { link } = startStorage();
    const [a, b] = [link(A), link(B)];
    await a.confirm(await a.follow());
    a.stream.congested = true;
    for (const [index, zone] of ["one", "two", "three"].entries())
      await b.writes(b.write("register", "i-1", index + 1, { zone }));
    expect(await a.heard()).toEqual([]);
    a.stream.congested = false;
    a.peer.drained();
    expect(a.notifications(await a.heard()).map(zonesIn)).toEqual([["i-1 three"]]);
  });

  test("whose receipt never comes are followed by a snapshot, unless the link is congested", async () => {
    const { clock, link } = startStorage();
    const [a, b] = [link(A), link(B)];
    await b.writes(b.write("register", "i-1", 1));
    expect(await a.follow()).toHaveLength(1);
    await clock.runFor(1_900);
    expect(await a.heard()).toEqual([]);
    a.stream.congested = true;
    await clock.runFor(5_000);
    expect(await a.heard()).toEqual([]);
    a.stream.congested = false;
    await clock.runFor(250);
    expect(a.notifications(await a.heard())).toMatchObject([{ baseDigest: undefined, instances: [{ id: "i-1" }] }]);
  });

  test("that a session cannot use are followed by a snapshot", async () => {
    const { link } = startStorage();
    const [a, b] = [link(A), link(B)];
    await b.writes(b.write("register", "i-1", 1));
    const [update] = await a.follow();
    const held = { version: update!.version, digest: { high: 1, low: 1 } };
    const frames = await a.say({ receipts: [{ key: ORDERS, held, resync: true }] });
    expect(a.notifications(frames)).toMatchObject([{ baseDigest: undefined, instances: [{ id: "i-1" }] }]);
  });

  test("end with the interest, and the service is let go of when nobody needs it", async () => {
    const { link, storage } = startStorage();
    const [a, b] = [link(A), link(B)];
    await a.confirm(await a.follow());
    await b.confirm(await b.follow());
    await a.say({ uninterests: [ORDERS] });
    expect(storage.datums.find(ORDERS)).toBeDefined();
    await b.say({ uninterests: [ORDERS] });
    expect(storage.datums.find(ORDERS)).toBeUndefined();
    await b.writes(b.write("register", "i-1", 1));
    expect([await a.heard(), await b.heard()]).toEqual([[], []]);
  });

  test("end with the link", async () => {
    const { link, storage } = startStorage();
    const [a, b] = [link(A), link(B)];
    await a.confirm(await a.follow());
    storage.part(a.peer, false);
    await b.writes(b.write("register", "i-1", 1));
    expect(await a.heard()).toEqual([]);
  });

  test("of many services are cut into frames of bounded size", async () => {
    const { link } = startStorage();
    const [a, b] = [link(A), link(B)];
    const keys = Array.from({ length: 8 }, (_, index) => serviceKey({ service: `s-${index}` }));
    const small = instanceFromInput({ id: "i-1", address: "10.0.0.1:80" }, () => "");
    const instance = bytesFromInstance({ ...small, payload: new Uint8Array(100 * 1_024) });
    await b.writes(...keys.map((key) => b.write("register", "i-1", 1, { key, instance })));
    const frames = await a.say({ interests: keys.map((key) => ({ key, held: undefined })) });
    expect(frames.map(({ notifications }) => notifications.length)).toEqual([3, 3, 2]);
  });
});
