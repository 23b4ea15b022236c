/** What every MetaStore promises, run against each of them. */

import { EMPTY_SLOT_TABLE, RegistryError, epoch } from "@rollcall/core";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Candidate, Leadership, MetaRecord, MetaStore, StoreListener } from "../src/store/meta-store.ts";

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

/** A store may be a process on a machine that has other things to do as well. */
const TIMEOUT_MS = 30_000;

/** A meta that stands, and what it has been told. */
export class Standing {
  readonly candidate: Candidate;
  readonly store: MetaStore;
  leadership: Leadership | undefined;
  leader: Candidate | undefined;
  record: MetaRecord | undefined;

  constructor(store: MetaStore, nodeId: string) {
    this.store = store;
    this.candidate = { nodeId, address: `${nodeId}:9610` };
  }

  async stand(): Promise<this> {
    const listener: StoreListener = {
      elected: (leadership) => (this.leadership = leadership),
      deposed: () => (this.leadership = undefined),
      leaderChanged: (leader) => (this.leader = leader),
      recordChanged: (record) => (this.record = record),
    };
    await this.store.stand(this.candidate, listener);
    return this;
  }

  /** Resolves when it leads. */
  elected(): Promise<Leadership> {
    return until(() => this.leadership);
  }
}

/** Resolves with what `seen` gives, as soon as that is something. */
export function until<Value>(seen: () => Value | undefined): Promise<Value> {
  return vi.waitFor(
    () => {
      const value = seen();
      expect(value).toBeDefined();
      return value!;
    },
    { timeout: 15_000, interval: 10 },
  );
}

export interface MetaStoreMaker {
  /** A store on what the test before did not touch; called again, another one on the same. Gone after the test. */
  readonly open: () => Promise<MetaStore>;
  /** Begins anew, with nothing. */
  readonly clear: () => void;
}

export function describeMetaStore(name: string, { open, clear }: MetaStoreMaker): void {
  describe(`${name} keeps the contract of a meta store`, { timeout: TIMEOUT_MS }, () => {
    const opened: MetaStore[] = [];
    const standing = async (nodeId = "meta-1"): Promise<Standing> => {
      const store = await open();
      opened.push(store);
      return new Standing(store, nodeId).stand();
    };
    const leading = async (): Promise<Leadership> => (await standing()).elected();
    afterEach(async () => {
      for (const store of opened.splice(0)) await store.close();
      clear();
    });

    test("a meta that stands alone is elected and says that it leads", async () => {
      const it = await standing();
      const leadership = await it.elected();
      expect(leadership.isValid()).toBe(true);
      expect(leadership.epoch).toBeGreaterThan(0);
      expect(it.leader).toEqual(it.candidate);
    });

    test("nothing is there before anything was written", async () => {
      expect(await (await leading()).read()).toBeUndefined();
    });

    test("what was written last is read, as a whole", async () => {
      const it = await leading();
      await it.write(grown);
      expect(await it.read()).toEqual(grown);
      const smaller = { ...founded, version: 3 };
      await it.write(smaller);
      expect(await it.read()).toEqual(smaller);
    });

    test("what is changed after it was written does not change what is kept", async () => {
      const it = await leading();
      const members = [...grown.members];
      await it.write({ ...grown, members });
      members.length = 0;
      expect(await it.read()).toEqual(grown);
    });

    test("epochs and leaders come back slot by slot, also where there is no leader", async () => {
      const it = await leading();
      const owners = grown.table.owners.map((owner, slot) =>
        slot % 2 === 0 ? owner : { leader: undefined, followers: ["f"], leaderEpoch: epoch(slot) },
      );
      await it.write({ ...grown, table: { epoch: epoch(9), owners } });
      expect((await it.read())?.table).toEqual({ epoch: 9, owners });
    });

    test("the next leadership has a higher epoch and finds what was written", async () => {
      const first = await standing();
      const before = await first.elected();
      await before.write(grown);
      await first.store.close();
      const after = await (await standing("meta-2")).elected();
      expect(after.epoch).toBeGreaterThan(before.epoch);
      expect(await after.read()).toEqual(grown);
    });

    test("a leadership that was given up is not valid and writes nothing", async () => {
      const first = await standing();
      const before = await first.elected();
      await before.write(founded);
      await first.store.close();
      expect(before.isValid()).toBe(false);
      await expect(before.write(grown)).rejects.toThrow(RegistryError);
      const after = await (await standing("meta-2")).elected();
      expect(await after.read()).toEqual(founded);
    });

    test("control records are replaced and taken out one by one, and outlive a leadership", async () => {
      const first = await standing();
      const before = await first.elected();
      expect(await first.store.readControls()).toEqual({ version: 0, records: new Map() });
      await before.writeControls(
        2,
        new Map([
          ["a/1", "one"],
          ["a/2", "two"],
        ]),
      );
      await before.writeControls(
        3,
        new Map([
          ["a/1", undefined],
          ["b", "three"],
        ]),
      );
      const kept = {
        version: 3,
        records: new Map([
          ["a/2", "two"],
          ["b", "three"],
        ]),
      };
      expect(await first.store.readControls()).toEqual(kept);
      await first.store.close();
      await expect(before.writeControls(4, new Map([["b", "four"]]))).rejects.toThrow(RegistryError);
      const second = await standing("meta-2");
      await second.elected();
      expect(await second.store.readControls()).toEqual(kept);
    });

    test("closing twice is closing", async () => {
      const { store } = await standing();
      await store.close();
      await expect(store.close()).resolves.toBeUndefined();
    });
  });
}

/** What stores for several metas promise beyond that. */
export function describeSharedMetaStore(name: string, { open, clear }: MetaStoreMaker): void {
  describe(`${name} keeps the contract of a store for several metas`, { timeout: TIMEOUT_MS }, () => {
    const opened: MetaStore[] = [];
    const standing = async (nodeId: string): Promise<Standing> => {
      const store = await open();
      opened.push(store);
      return new Standing(store, nodeId).stand();
    };
    afterEach(async () => {
      for (const store of opened.splice(0)) await store.close();
      clear();
    });

    test("one of them leads, and the others know which", async () => {
      const metas = await Promise.all(["meta-1", "meta-2", "meta-3"].map(standing));
      const leader = await until(() => metas.find(({ leadership }) => leadership !== undefined));
      for (const meta of metas) expect(await until(() => meta.leader)).toEqual(leader.candidate);
      expect(metas.filter(({ leadership }) => leadership !== undefined)).toEqual([leader]);
    });

    test("those who do not lead are told what is written", async () => {
      const first = await standing("meta-1");
      const leadership = await first.elected();
      const second = await standing("meta-2");
      await leadership.write(founded);
      expect(await until(() => second.record)).toEqual(founded);
      await leadership.write(grown);
      await until(() => (second.record?.version === grown.version ? true : undefined));
      expect(second.record).toEqual(grown);
      expect(second.leadership).toBeUndefined();
    });

    test("when the leader gives up, another one leads with what was written", async () => {
      const first = await standing("meta-1");
      const before = await first.elected();
      await before.write(grown);
      const second = await standing("meta-2");
      await first.store.close();
      const after = await second.elected();
      expect(after.epoch).toBeGreaterThan(before.epoch);
      expect(await after.read()).toEqual(grown);
      expect(second.leader).toEqual(second.candidate);
    });
  });
}
