/**
 * The leadership of a meta in etcd: a key that lives as long as its lease is renewed, and writes that happen only while the
 * key is still the one that was created. It counts the lease from before it asked for it, with a margin, so that it is over
 * here before it is over there.
 */

import { RegistryError, type Clock, type Timer } from "@rollcall/core";
import type { Etcd3, Lease } from "etcd3";

import type { Leadership, MetaRecord } from "../store/meta-store.ts";
import { etcdError } from "./etcd-client.ts";
import { recordFromStored, storedFromRecord } from "./stored-record.ts";

/** How long a leader that is gone keeps the others from leading, in seconds. etcd grants no less than two. */
export const LEASE_SECONDS = 3;

/** How long before the end of its lease a leader stops acting, in milliseconds. */
const MARGIN_MS = 500;

/** Time between two renewals of the lease, and between two tries of one that failed, in milliseconds. */
const RENEW_MS = 1_000;
const RENEW_AGAIN_MS = 200;

/** Of one cluster. */
export interface EtcdKeys {
  /** What begins the two that everybody follows. */
  readonly decided: string;
  readonly leader: string;
  readonly record: string;
  readonly version: string;
  /** What begins those of control records. */
  readonly controls: string;
}

export function etcdKeys(prefix: string): EtcdKeys {
  const decided = `${prefix}decided/`;
  return {
    decided,
    leader: `${decided}leader`,
    record: `${decided}cluster`,
    version: `${prefix}controls-version`,
    controls: `${prefix}controls/`,
  };
}

/** What a transaction can do. */
type Operation = Parameters<ReturnType<Etcd3["if"]>["then"]>[number];

/** Control records in one transaction: etcd takes 128 operations, and one of ours is the version. */
const CHANGES_MAX = 100;

interface LeadershipParts {
  readonly etcd: Etcd3;
  readonly keys: EtcdKeys;
  readonly lease: Lease;
  readonly epoch: number;
  readonly clock: Clock;
  /** Clock time from which the lease counts. */
  readonly renewedAt: number;
}

export class EtcdLeadership implements Leadership {
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
    await this.#commit([etcd.put(keys.record).value(JSON.stringify(storedFromRecord(record)))]);
  }

  async writeControls(version: number, changes: ReadonlyMap<string, string | undefined>): Promise<void> {
    const { etcd, keys } = this.#parts;
    const all = [...changes].map(([id, text]) =>
      text === undefined ? etcd.delete().key(keys.controls + id) : etcd.put(keys.controls + id).value(text),
    );
    for (let from = 0; from < all.length; from += CHANGES_MAX)
      await this.#commit([etcd.put(keys.version).value(version), ...all.slice(from, from + CHANGES_MAX)]);
  }

  /** Does these as long as this meta leads, or nothing. */
  async #commit(operations: readonly Operation[]): Promise<void> {
    const { etcd, keys } = this.#parts;
    if (!this.isValid()) throw this.#over("its lease has ended");
    const { succeeded } = await etcd
      .if(keys.leader, "Create", "==", this.epoch)
      .then(...operations)
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
