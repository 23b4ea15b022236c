/** What every MetaStore promises, run against each of them. */

import { EMPTY_SLOT_TABLE, epoch } from "@rollcall/core";
import { afterEach, describe, expect, test } from "vitest";
import type { MetaRecord, MetaStore } from "../src/store/meta-store.ts";

export const founded: MetaRecord = {
  clusterId: "c0ffee",
  version: 1,
  lastIncarnation: 0,
  members: [],
  departed: [],
  table: EMPTY_SLOT_TABLE,
};

export const grown: MetaRecord = {
  clusterId: "c0ffee",
  version: 2,
  lastIncarnation: 3,
  members: [
    { nodeId: "data-1", startId: "s1", role: "data", address: "data-1:9620", incarnation: 1 },
    { nodeId: "session-1", startId: "s2", role: "session", address: "session-1:9600", incarnation: 3 },
  ],
  departed: [{ nodeId: "session-1", role: "session", address: "session-1:9600", incarnation: 2 }],
  table: {
    epoch: epoch(1),
    owners: EMPTY_SLOT_TABLE.owners.map(() => ({ leader: "data-1", followers: ["data-2"], leaderEpoch: epoch(1) })),
  },
};

/** @param open a new store, empty, and gone after the test */
export function describeMetaStore(name: string, open: () => Promise<MetaStore>): void {
  describe(`${name} keeps the contract of a meta store`, () => {
    const opened: MetaStore[] = [];
    const store = async (): Promise<MetaStore> => {
      const store = await open();
      opened.push(store);
      return store;
    };
    afterEach(async () => {
      for (const store of opened.splice(0)) await store.close();
    });

    test("nothing is there before anything was written", async () => {
      expect(await (await store()).read()).toBeUndefined();
    });

    test("what was written last is read, as a whole", async () => {
      const it = await store();
      await it.write(grown);
      expect(await it.read()).toEqual(grown);
      const smaller = { ...founded, version: 3 };
      await it.write(smaller);
      expect(await it.read()).toEqual(smaller);
    });

    test("what is changed after it was written does not change what is kept", async () => {
      const it = await store();
      const members = [...grown.members];
      await it.write({ ...grown, members });
      members.length = 0;
      expect(await it.read()).toEqual(grown);
    });

    test("epochs and leaders come back slot by slot, also where there is no leader", async () => {
      const it = await store();
      const owners = grown.table.owners.map((owner, slot) =>
        slot % 2 === 0 ? owner : { leader: undefined, followers: ["f"], leaderEpoch: epoch(slot) },
      );
      await it.write({ ...grown, table: { epoch: epoch(9), owners } });
      expect((await it.read())?.table).toEqual({ epoch: 9, owners });
    });

    test("closing twice is closing", async () => {
      const it = await store();
      await it.close();
      await expect(it.close()).resolves.toBeUndefined();
    });
  });
}
