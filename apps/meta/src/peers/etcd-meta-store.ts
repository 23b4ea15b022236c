/**
 * The record of several metas in etcd. Whoever creates the leader's key leads for as long as the key's lease is kept
 * alive, and every write is one transaction with the check that the key is still the one that was created. The version
 * at which it was is the epoch.
 *
 * A leader counts its lease from before it asked for it, by its own clock and with a margin, so that it stops acting
 * before etcd can let another one lead. Those who do not lead look at the two keys when etcd says that they have
 * changed, and now and then all the same, because the word of a change may get lost.
 */

import { assert, type Clock, type Log, type Timer } from "@rollcall/core";
import type { Etcd3 } from "etcd3";
import { z } from "zod";

import type { Candidate, MetaRecord, MetaStore, StoreListener, StoredControls } from "../store/meta-store.ts";
import { createEtcdClient, etcdError, type EtcdOptions } from "./etcd-client.ts";
import { EtcdLeadership, LEASE_SECONDS, etcdKeys, type EtcdKeys } from "./etcd-leadership.ts";
import { recordFromStored } from "./stored-record.ts";

export interface EtcdMetaStorePorts {
  readonly clock: Clock;
  readonly log: Log;
}

/** Time between two looks at etcd when it says nothing, in milliseconds. */
const LOOK_MS = 1_000;

const storedCandidate = z.object({ nodeId: z.string(), address: z.string() });

/** What there is under the two keys. */
interface Seen {
  readonly leader: Candidate | undefined;
  readonly record: MetaRecord | undefined;
}

/** The part that is played at the moment. */
type Standing =
  | { readonly kind: "idle" }
  | { readonly kind: "standing by" }
  | { readonly kind: "leading"; readonly leadership: EtcdLeadership }
  | { readonly kind: "closed" };

export class EtcdMetaStore implements MetaStore {
  readonly #etcd: Etcd3;
  readonly #keys: EtcdKeys;
  readonly #ports: EtcdMetaStorePorts;
  #standing: Standing = { kind: "idle" };
  #candidate: Candidate | undefined;
  #listener: StoreListener | undefined;
  #watching: Promise<void> | undefined;
  #timer: Timer | undefined;
  #isLooking = false;
  #hasNews = false;
  #hasFailed = false;
  /** As last told: what has not changed is told once. */
  #told: { leader: string | undefined; version: number } = { leader: undefined, version: -1 };

  constructor(options: EtcdOptions, ports: EtcdMetaStorePorts) {
    this.#etcd = createEtcdClient(options);
    this.#keys = etcdKeys(options.prefix);
    this.#ports = ports;
  }

  stand(candidate: Candidate, listener: StoreListener): Promise<void> {
    assert(this.#standing.kind === "idle", "a meta stands once");
    this.#candidate = candidate;
    this.#listener = listener;
    this.#standing = { kind: "standing by" };
    this.#look();
    return Promise.resolve();
  }

  async readControls(): Promise<StoredControls> {
    const { controls, version } = this.#keys;
    const [texts, newest] = await Promise.all([
      this.#etcd.getAll().prefix(controls).strings(),
      this.#etcd.get(version).number(),
    ]).catch((cause: unknown) => {
      throw etcdError(cause);
    });
    const records = Object.entries(texts).map(([key, text]) => [key.slice(controls.length), text] as const);
    return { version: newest ?? 0, records: new Map(records) };
  }

  async close(): Promise<void> {
    const standing = this.#standing;
    if (standing.kind === "closed") return;
    this.#standing = { kind: "closed" };
    this.#timer?.cancel();
    if (standing.kind === "leading") await standing.leadership.resign();
    this.#etcd.close();
  }

  // Standing by --------------------------------------------------------------------------------------------------------

  /** Looks at the keys, now or as soon as the present look is over, and stands when nobody leads. */
  #look(): void {
    if (this.#isLooking) {
      this.#hasNews = true;
      return;
    }
    this.#timer?.cancel();
    void this.#lookOnce();
  }

  async #lookOnce(): Promise<void> {
    this.#isLooking = true;
    this.#hasNews = false;
    try {
      this.#watch();
      const seen = await this.#see();
      this.#tell(seen);
      if (seen.leader === undefined && this.#standing.kind === "standing by") await this.#campaign();
      this.#hasFailed = false;
    } catch (cause) {
      this.#failed(cause);
    }
    this.#isLooking = false;
    if (this.#standing.kind === "closed") return;
    if (this.#hasNews) this.#look();
    else this.#timer = this.#ports.clock.setTimer(LOOK_MS, () => this.#look());
  }

  /** Begins to listen, and does not wait for it: while etcd is away a watch comes about only when it is back. */
  #watch(): void {
    if (this.#watching !== undefined) return;
    const watching = this.#listen();
    this.#watching = watching;
    watching.catch(() => this.#watchEnded(watching));
  }

  async #listen(): Promise<void> {
    const watcher = await this.#etcd.watch().prefix(this.#keys.decided).create();
    const news = (): void => this.#look();
    watcher.on("put", news);
    watcher.on("delete", news);
    watcher.on("connected", news);
    const watching = this.#watching;
    watcher.on("error", () => this.#watchEnded(watching));
    news();
  }

  /** The next look begins another one. */
  #watchEnded(watching: Promise<void> | undefined): void {
    if (this.#watching === watching) this.#watching = undefined;
  }

  async #see(): Promise<Seen> {
    const [leader, record] = await Promise.all([
      this.#etcd.get(this.#keys.leader).string(),
      this.#etcd.get(this.#keys.record).string(),
    ]);
    return {
      leader: leader === null ? undefined : storedCandidate.parse(JSON.parse(leader)),
      record: record === null ? undefined : recordFromStored(JSON.parse(record)),
    };
  }

  #tell({ leader, record }: Seen): void {
    if (this.#standing.kind === "closed") return;
    const name = leader && `${leader.nodeId} ${leader.address}`;
    if (name !== this.#told.leader) {
      this.#told.leader = name;
      this.#listener?.leaderChanged(leader);
    }
    if (record === undefined || this.#standing.kind !== "standing by" || record.version === this.#told.version) return;
    this.#told.version = record.version;
    this.#listener?.recordChanged(record);
  }

  /** Said once until it is over: a store that cannot be reached stays so for a while. */
  #failed(cause: unknown): void {
    const { reason, message } = etcdError(cause);
    if (this.#standing.kind === "closed" || this.#hasFailed) return;
    this.#hasFailed = true;
    this.#ports.log.error("meta's store cannot be used; trying again", { reason, why: message });
  }

  // Leading ------------------------------------------------------------------------------------------------------------

  async #campaign(): Promise<void> {
    const { clock } = this.#ports;
    const askedAt = clock.now();
    const lease = this.#etcd.lease(LEASE_SECONDS, { autoKeepAlive: false });
    const leaseId = await lease.grant();
    const { leader } = this.#keys;
    const { succeeded, header } = await this.#etcd
      .if(leader, "Create", "==", 0)
      .then(this.#etcd.put(leader).value(JSON.stringify(this.#candidate)).lease(leaseId))
      .commit();
    if (!succeeded || this.#standing.kind !== "standing by") {
      await lease.revoke();
      return;
    }
    const epoch = Number(header.revision);
    const leadership = new EtcdLeadership(
      { etcd: this.#etcd, keys: this.#keys, lease, epoch, clock, renewedAt: askedAt },
      (why) => this.#deposed(leadership, why),
    );
    this.#standing = { kind: "leading", leadership };
    this.#tell({ leader: this.#candidate, record: undefined });
    this.#listener?.elected(leadership);
  }

  #deposed(leadership: EtcdLeadership, why: string): void {
    if (this.#standing.kind !== "leading" || this.#standing.leadership !== leadership) return;
    this.#standing = { kind: "standing by" };
    this.#listener?.deposed(why);
    this.#look();
  }
}
