/**
 * Keeps the last confirmed list of each subscription where the next life of the program finds it (P9). Writing is never
 * in the way: what changes is noted, and a little later, and not before the last write has ended, what is noted is
 * written, each list in its newest state. What did not change is written now and then all the same, for its age is
 * counted from the last time that the registry vouched for it.
 *
 * Nothing here can fail to its user: whatever the store cannot do is told once, until it can again.
 */

import {
  EMPTY_DIGEST,
  digestOfText,
  formatDigest,
  nameOfSubscription,
  sameDigest,
  textFromFilter,
  textFromServiceKey,
  type Clock,
  type Digest,
  type Filter,
  type ServerHello,
  type ServiceKey,
  type Timer,
  type Update,
} from "@rollcall/core";

import { bytesFromKeptCopy, keptCopyFromBytes, type KeptCopy } from "./kept-copy.ts";

/** Where copies lie. It never throws and never rejects: what it cannot do it says. */
export interface CopyStore {
  /** Where that is, in words. */
  readonly place: string;
  /** Milliseconds of the wall clock: the age of a copy has to outlive the process. */
  wallTime(): number;
  /** What lies there under a name, at once. */
  read(name: string): StoredCopy;
  /** Puts it there as a whole or not at all. Gives the problem, if there was one. */
  write(name: string, bytes: Uint8Array): Promise<string | undefined>;
  remove(name: string): Promise<string | undefined>;
}

export type StoredCopy =
  | { readonly kind: "none" }
  | { readonly kind: "found"; readonly bytes: Uint8Array }
  | { readonly kind: "failed"; readonly problem: string };

/** A store, and for how long what lies there is of use. */
export interface CopyCache {
  readonly store: CopyStore;
  readonly maxAgeMs: number;
}

/** Something that the store could not do, or something in it that is of no use. */
export interface CopyProblem {
  readonly place: string;
  /** Whose list it is about, or was, when it happened first. */
  readonly service: ServiceKey;
  readonly problem: string;
}

/** One whose list is kept. */
export interface Keepable {
  readonly key: ServiceKey;
  readonly filter: Filter;
  readonly text: string;
  /** The list that is held, when the registry has vouched for it. */
  readonly confirmedSnapshot: Update | undefined;
}

/** Found copies carry how long ago they were kept. */
export interface FoundCopy extends KeptCopy {
  readonly place: string;
  readonly ageMs: number;
}

/** How long changes are collected before they are written, in milliseconds: what is lost of a process that is killed. */
const COLLECT_MS = 500;
/** How often what has not changed is written again, in milliseconds: how much older than it is a copy may seem. */
const REFRESH_MS = 600_000;

export interface KeeperPorts {
  readonly clock: Clock;
  readonly cache: CopyCache;
  /** Whether the registry would tell if what it vouched for were not so any more. */
  readonly isConnected: () => boolean;
  readonly problem: (problem: CopyProblem) => void;
}

/** A list that the registry vouches for, and who said so. */
interface Vouched {
  readonly keepable: Keepable;
  readonly hello: ServerHello;
  /** Undefined when it could not be kept. */
  readonly digest: Digest | undefined;
}

export class Keeper {
  readonly #ports: KeeperPorts;
  /** What this life has put into the store, and what is to be. */
  readonly #vouched = new Map<string, Vouched>();
  readonly #noted = new Map<string, Vouched>();
  #collecting: Timer | undefined;
  #refreshing: Timer;
  #writing: Promise<void> | undefined;
  /** The store could not do what it was last asked for. */
  #isFailing = false;

  constructor(ports: KeeperPorts) {
    this.#ports = ports;
    this.#refreshing = this.#refreshLater();
  }

  /** What a former life has kept of it, if that is of any use. */
  find({ key, filter }: Keepable): FoundCopy | undefined {
    const { store, maxAgeMs } = this.#ports.cache;
    const stored = store.read(nameOf({ key, filter }));
    if (stored.kind === "none") return undefined;
    const copy = stored.kind === "failed" ? stored.problem : keptCopyFromBytes(stored.bytes);
    if (typeof copy === "string") {
      this.#ports.problem({ place: store.place, service: key, problem: `the copy cannot be used: ${copy}` });
      return undefined;
    }
    const isOther = textFromServiceKey(copy.update.key) !== textFromServiceKey(key);
    // Names are digests: the copy may be of something else, which is then overwritten.
    if (isOther || textFromFilter(copy.update.filter) !== textFromFilter(filter)) return undefined;
    // A wall clock that was put back makes nothing younger than new.
    const ageMs = Math.max(0, store.wallTime() - copy.keptAt);
    return ageMs > maxAgeMs ? undefined : { ...copy, place: store.place, ageMs };
  }

  /** The registry, as whom `hello` names, vouches for the list that is held now. */
  confirmed(keepable: Keepable, digest: Digest, hello: ServerHello): void {
    const before = this.#vouched.get(keepable.text);
    if (before?.digest !== undefined && sameDigest(before.digest, digest)) return;
    this.#note({ keepable, digest, hello });
  }

  /** Nobody follows it any more. What is noted of it is still written, and stays until it is too old. */
  dropped({ text }: Keepable): void {
    this.#vouched.delete(text);
  }

  /** Writes what is noted, once and for all. */
  async close(): Promise<void> {
    this.#collecting?.cancel();
    this.#refreshing.cancel();
    await this.#writing;
    await this.#write();
  }

  #note(vouched: Vouched): void {
    this.#vouched.set(vouched.keepable.text, vouched);
    this.#noted.set(vouched.keepable.text, vouched);
    this.#collect();
  }

  #collect(): void {
    if (this.#writing === undefined)
      this.#collecting ??= this.#ports.clock.setTimer(COLLECT_MS, () => this.#startWriting());
  }

  #startWriting(): void {
    this.#collecting = undefined;
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined;
      if (this.#noted.size > 0) this.#collect();
    });
  }

  /** One after the other: the store is in no hurry. */
  async #write(): Promise<void> {
    const { store } = this.#ports.cache;
    // What is noted while this goes on is for the next time.
    for (const [text, vouched] of Array.from(this.#noted)) {
      const { keepable, hello } = vouched;
      this.#noted.delete(text);
      const update = keepable.confirmedSnapshot;
      if (update === undefined) continue;
      const name = nameOf(keepable);
      // An empty list that nobody vouches for is shown to nobody, so there is none to keep.
      const isEmpty = sameDigest(update.digest, EMPTY_DIGEST);
      const problem = isEmpty
        ? await store.remove(name)
        : await store.write(name, bytesFromKeptCopy({ hello, keptAt: store.wallTime(), update }));
      // Another word of the registry, or the next refreshing, makes it try again.
      if (problem !== undefined && this.#vouched.has(text)) this.#vouched.set(text, { ...vouched, digest: undefined });
      this.#tell(keepable, problem);
    }
  }

  #tell({ key: service }: Keepable, problem: string | undefined): void {
    const { problem: tell, cache } = this.#ports;
    if (problem !== undefined && !this.#isFailing) {
      tell({ place: cache.store.place, service, problem: `no copy can be kept: ${problem}` });
    }
    this.#isFailing = problem !== undefined;
  }

  #refreshLater(): Timer {
    return this.#ports.clock.setTimer(REFRESH_MS, () => {
      this.#refreshing = this.#refreshLater();
      if (this.#ports.isConnected()) for (const vouched of this.#vouched.values()) this.#note(vouched);
    });
  }
}

function nameOf(keepable: Pick<Keepable, "key" | "filter">): string {
  return formatDigest(digestOfText(nameOfSubscription(keepable)));
}
