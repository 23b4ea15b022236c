/**
 * The record of several metas in etcd. Whoever creates the leader's key leads for as long as the key's lease is kept
 * alive, and every write is one transaction with the check that the key is still the one that was created. The revision
 * at which it was is the epoch.
 *
 * A leader counts its lease from before it asked for it, by its own clock and with a margin, so that it stops acting
 * before etcd can let another one lead. Those who do not lead look at the two keys when etcd says that they have
 * changed, and now and then all the same, because the word of a change may get lost.
 */

import { RegistryError, assert, type Clock, type Log, type Timer } from "@rollcall/core";
import type { Etcd3, Lease } from "etcd3";
import { z } from "zod";

import type { Candidate, Leadership, MetaRecord, MetaStore, StoreListener } from "../store/meta-store.ts";
import { createEtcdClient, etcdError, type EtcdOptions } from "./etcd-client.ts";
import { recordFromStored, storedFromRecord } from "./stored-record.ts";

export interface EtcdMetaStorePorts {
  readonly clock: Clock;
  readonly log: Log;
}

/** How long a leader that is gone keeps the others from leading, in seconds. etcd grants no less than two. */
const LEASE_SECONDS = 3;

/** How long before the end of its lease a leader stops acting, in milliseconds. */
const MARGIN_MS = 500;

/** Time between two renewals of the lease, and between two tries of one that failed, in milliseconds. */
const RENEW_MS = 1_000;
const RENEW_AGAIN_MS = 200;

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
  readonly #keys: { readonly leader: string; readonly record: string };
  readonly #prefix: string;
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
    this.#prefix = options.prefix;
    this.#keys = { leader: `${options.prefix}leader`, record: `${options.prefix}cluster` };
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
    const watcher = await this.#etcd.watch().prefix(this.#prefix).create();
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

interface LeadershipParts {
  readonly etcd: Etcd3;
  readonly keys: { readonly leader: string; readonly record: string };
  readonly lease: Lease;
  readonly epoch: number;
  readonly clock: Clock;
  /** Clock time from which the lease counts. */
  readonly renewedAt: number;
}

class EtcdLeadership implements Leadership {
  readonly epoch: number;
  readonly #parts: LeadershipParts;
  readonly #ended: (why: string) => void;
  #validUntil: number;
  #isOver = false;
  #renewal: Timer | undefined;
  #end: Timer | undefined;

  constructor(parts: LeadershipParts, ended: (why: string) => void) {
    this.epoch = parts.epoch;
    this.#parts = parts;
    this.#ended = ended;
    this.#validUntil = leaseEnd(parts.renewedAt);
    this.#awaitEnd();
    this.#renewLater(RENEW_MS);
  }

  isValid(): boolean {
    return !this.#isOver && this.#parts.clock.now() < this.#validUntil;
  }

  async read(): Promise<MetaRecord | undefined> {
    const { etcd, keys } = this.#parts;
    const stored = await etcd.get(keys.record).string().catch(rethrown);
    return stored === null ? undefined : recordFromStored(JSON.parse(stored));
  }

  async write(record: MetaRecord): Promise<void> {
    const { etcd, keys } = this.#parts;
    if (!this.isValid()) throw this.#over("its lease has ended");
    const { succeeded } = await etcd
      .if(keys.leader, "Create", "==", this.epoch)
      .then(etcd.put(keys.record).value(JSON.stringify(storedFromRecord(record))))
      .commit()
      .catch(rethrown);
    if (!succeeded) throw this.#over("another meta leads");
  }

  /** Lets go of leadership, so that the others need not wait for its end. */
  async resign(): Promise<void> {
    this.#stop();
    await this.#parts.lease.revoke().catch(() => {});
  }

  #renewLater(pauseMs: number): void {
    this.#renewal = this.#parts.clock.setTimer(pauseMs, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    const { clock, lease } = this.#parts;
    const askedAt = clock.now();
    try {
      await lease.keepaliveOnce({ deadline: Date.now() + RENEW_MS });
    } catch {
      // etcd says that it is over, or nothing at all; the end of the lease decides.
      if (!this.#isOver) this.#renewLater(RENEW_AGAIN_MS);
      return;
    }
    if (this.#isOver) return;
    this.#validUntil = leaseEnd(askedAt);
    this.#awaitEnd();
    this.#renewLater(RENEW_MS);
  }

  #awaitEnd(): void {
    const { clock } = this.#parts;
    this.#end?.cancel();
    this.#end = clock.setTimer(Math.max(0, this.#validUntil - clock.now()), () => {
      this.#over("its lease could not be renewed");
    });
  }

  #over(why: string): RegistryError {
    if (!this.#isOver) {
      this.#stop();
      // If etcd can still be reached, the others need not wait.
      void this.#parts.lease.revoke().catch(() => {});
      this.#ended(why);
    }
    return new RegistryError("unavailable", `this meta does not lead any more: ${why}`);
  }

  #stop(): void {
    this.#isOver = true;
    this.#renewal?.cancel();
    this.#end?.cancel();
  }
}

function leaseEnd(renewedAt: number): number {
  return renewedAt + LEASE_SECONDS * 1_000 - MARGIN_MS;
}

function rethrown(cause: unknown): never {
  throw etcdError(cause);
}
