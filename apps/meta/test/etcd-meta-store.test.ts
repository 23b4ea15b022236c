// The store of several metas against a real etcd.

import { silentLog } from "@rollcall/core";
import { EtcdCluster } from "@rollcall/etcd";
import { systemClock } from "@rollcall/runtime";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { etcdOptionsFromUrl } from "../src/peers/etcd-client.ts";
import { EtcdMetaStore } from "../src/peers/etcd-meta-store.ts";
import { describeMetaStore, describeSharedMetaStore, founded, grown, Standing, until } from "./meta-store-contract.ts";

/** A lease that ends, and etcd started again, on a machine that has other things to do as well. */
const TIMEOUT_MS = 60_000;

let etcd: EtcdCluster;
let places = 0;
beforeAll(async () => {
  etcd = await EtcdCluster.start();
}, 2 * TIMEOUT_MS);
afterAll(async () => {
  await etcd?.[Symbol.asyncDispose]();
});

const open = (): EtcdMetaStore =>
  new EtcdMetaStore(etcdOptionsFromUrl(`${etcd.url}/place-${places}`)!, { clock: systemClock, log: silentLog });
const maker = { open: () => Promise.resolve(open()), clear: () => void places++ };

describeMetaStore("EtcdMetaStore", maker);
describeSharedMetaStore("EtcdMetaStore", maker);

describe("the lease of a leader in etcd", () => {
  test(
    "ends on both sides when etcd stands still: the leader stops first, and then one leads again",
    { timeout: TIMEOUT_MS },
    async () => {
      const first = await new Standing(open(), "meta-1").stand();
      const before = await first.elected();
      await before.write(founded);
      const [member] = etcd.members;
      etcd.freeze(member!);
      await until(() => (first.leadership === undefined ? true : undefined));
      expect(before.isValid()).toBe(false);
      await expect(before.write(grown)).rejects.toThrow("does not lead any more");
      etcd.thaw(member!);
      const after = await first.elected();
      expect(after.epoch).toBeGreaterThan(before.epoch);
      expect(await after.read()).toEqual(founded);
      await first.store.close();
      places++;
    },
  );

  test(
    "comes about when etcd comes back, for a meta that was started without it",
    { timeout: TIMEOUT_MS },
    async () => {
      const [member] = etcd.members;
      await etcd.kill(member!);
      const meta = await new Standing(open(), "meta-1").stand();
      etcd.restart(member!);
      expect((await meta.elected()).isValid()).toBe(true);
      await meta.store.close();
      places++;
    },
  );
});

describe("the address of a store in etcd", () => {
  test.each([
    ["etcd://127.0.0.1:2379", { hosts: ["127.0.0.1:2379"], prefix: "rollcall/" }],
    ["etcd://a:1,b:2,c:3/shops/eu/", { hosts: ["a:1", "b:2", "c:3"], prefix: "shops/eu/" }],
    ["/var/lib/rollcall", undefined],
  ])("%s", (url, options) => {
    expect(etcdOptionsFromUrl(url)).toEqual(options);
  });
});
