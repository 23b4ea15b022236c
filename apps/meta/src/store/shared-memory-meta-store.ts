/**
 * A store for several metas in memory: what etcd is to them, with its leases, on a virtual clock. It can be cut off from
 * some of them, and be gone altogether, which is how the simulator tries elections.
 */

import { RegistryError, type Clock, type Timer } from "@rollcall/core";

import { applyChanges } from "./memory-meta-store.ts";
import type { Candidate, Leadership, MetaRecord, MetaStore, StoreListener, StoredControls } from "./meta-store.ts";

const LEASE_MS = 3_000;
/** How long before the end of its lease a leader stops acting: whoever asked reckons from before it asked. */
const MARGIN_MS = 500;
const RENEW_MS = 1_000;

/** How long a call takes each way at most, in milliseconds. */
const SLOWNESS_MS = 2;

/** What they share. */
export class SharedMemory {
  /** Goes on when the processes of metas do not. */
  readonly clock: Clock;
  record: MetaRecord | undefined;
  readonly controls = new Map<string, string>();
  controlsVersion = 0;
  #epoch = 0;
  #lease: { readonly epoch: number; readonly leader: Candidate; expiresAt: number } | undefined;
  readonly #stores = new Set<SharedMemoryMetaStore>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** @param ports of one life of a meta */
  open(ports: SharedMemoryPorts): MetaStore {
    return new SharedMemoryMetaStore(this, ports);
  }

  get leader(): Candidate | undefined {
    return this.#present?.leader;
  }

  add(store: SharedMemoryMetaStore): void {
    this.#stores.add(store);
  }

  delete(store: SharedMemoryMetaStore): void {
    this.#stores.delete(store);
  }

  grant(leader: Candidate): number | undefined {
    if (this.#present !== undefined) return undefined;
    const epoch = ++this.#epoch;
    this.#lease = { epoch, leader, expiresAt: this.clock.now() + LEASE_MS };
    this.clock.setTimer(LEASE_MS, () => this.#expire());
    this.#tell();
    return epoch;
  }

  renew(epoch: number): boolean {
    const lease = this.#present;
    if (lease?.epoch !== epoch) return false;
    lease.expiresAt = this.clock.now() + LEASE_MS;
    this.clock.setTimer(LEASE_MS, () => this.#expire());
    return true;
  }

  revoke(epoch: number): void {
    if (this.#lease?.epoch !== epoch) return;
    this.#lease = undefined;
    this.#tell();
  }

  put(epoch: number, record: MetaRecord): boolean {
    if (this.#present?.epoch !== epoch) return false;
    this.record = structuredClone(record);
    this.#tell();
    return true;
  }

  putControls(epoch: number, version: number, changes: ReadonlyMap<string, string | undefined>): boolean {
    if (this.#present?.epoch !== epoch) return false;
    this.controlsVersion = version;
    applyChanges(this.controls, changes);
    return true;
  }

  get #present() {
    return this.#lease !== undefined && this.clock.now() < this.#lease.expiresAt ? this.#lease : undefined;
  }

  #expire(): void {
    if (this.#lease === undefined || this.#present !== undefined) return;
    this.#lease = undefined;
    this.#tell();
  }

  #tell(): void {
    for (const store of this.#stores) store.look();
  }
}

export interface SharedMemoryPorts {
  /** Of the meta's process: it stands still when that does. */
  readonly clock: Clock;
  /** Whether the meta reaches the store at the moment; it does by default. */
  readonly reaches?: () => boolean;
  /** Drawn for how long things take; nothing takes any time by default. */
  readonly random?: { next(): number };
}

class SharedMemoryMetaStore implements MetaStore {
  readonly #memory: SharedMemory;
  readonly #ports: SharedMemoryPorts;
  #candidate: Candidate | undefined;
  #listener: StoreListener | undefined;
  #leadership: SharedLeadership | undefined;
  #told: { leader: string | undefined; version: number } = { leader: undefined, version: -1 };
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(memory: SharedMemory, ports: SharedMemoryPorts) {
    this.#memory = memory;
    this.#ports = ports;
  }

  stand(candidate: Candidate, listener: StoreListener): Promise<void> {
    this.#candidate = candidate;
    this.#listener = listener;
    this.#memory.add(this);
    this.#lookNowAndThen();
    return Promise.resolve();
  }

  readControls(): Promise<StoredControls> {
    return this.call(() => ({
      version: this.#memory.controlsVersion,
      records: new Map(this.#memory.controls),
    }));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#memory.delete(this);
    this.#timer?.cancel();
    const leadership = this.#leadership;
    this.#leadership = undefined;
    leadership?.stop();
    if (leadership !== undefined) await this.call(() => this.#memory.revoke(leadership.epoch)).catch(() => {});
  }

  #lookNowAndThen(): void {
    this.look();
    this.#timer = this.#ports.clock.setTimer(RENEW_MS, () => this.#lookNowAndThen());
  }

  /** Something has changed, or may have. */
  look(): void {
    this.call(() => this.#memory).then(
      ({ leader, record }) => this.#saw(leader, record),
      () => {},
    );
  }

  #saw(leader: Candidate | undefined, record: MetaRecord | undefined): void {
    if (this.#isClosed || this.#listener === undefined) return;
    if (leader?.nodeId !== this.#told.leader) {
      this.#told.leader = leader?.nodeId;
      this.#listener.leaderChanged(leader);
    }
    if (this.#leadership !== undefined) return;
    if (record !== undefined && record.version !== this.#told.version) {
      this.#told.version = record.version;
      this.#listener.recordChanged(record);
    }
    if (leader === undefined) void this.#campaign();
  }

  async #campaign(): Promise<void> {
    const askedAt = this.#ports.clock.now();
    const epoch = await this.call(() => this.#memory.grant(this.#candidate!)).catch(() => undefined);
    if (epoch === undefined || this.#isClosed) return;
    const leadership = new SharedLeadership(
      this,
      { memory: this.#memory, clock: this.#ports.clock, epoch, askedAt },
      (why) => {
        if (this.#leadership !== leadership) return;
        this.#leadership = undefined;
        this.#listener?.deposed(why);
        this.look();
      },
    );
    this.#leadership = leadership;
    this.#told.leader = this.#candidate!.nodeId;
    this.#listener?.leaderChanged(this.#candidate);
    this.#listener?.elected(leadership);
  }

  /** Does something at the store, on the way there and back: rejects when it cannot be reached, before or after. */
  async call<Result>(act: () => Result): Promise<Result> {
    const { clock, reaches = () => true } = this.#ports;
    await this.#moment(this.#memory.clock);
    if (!reaches()) throw await this.#unreached(clock);
    const result = act();
    await this.#moment(clock);
    if (!reaches()) throw await this.#unreached(clock);
    return result;
  }

  async #unreached(clock: Clock): Promise<RegistryError> {
    await new Promise<void>((resolve) => void clock.setTimer(RENEW_MS, resolve));
    return new RegistryError("unavailable", "the store cannot be reached");
  }

  async #moment(clock: Clock): Promise<void> {
    const { random } = this.#ports;
    if (random === undefined) return;
    await new Promise<void>((resolve) => void clock.setTimer(random.next() * SLOWNESS_MS, resolve));
  }
}

interface SharedLeadershipParts {
  readonly memory: SharedMemory;
  readonly clock: Clock;
  readonly epoch: number;
  readonly askedAt: number;
}

class SharedLeadership implements Leadership {
  readonly epoch: number;
  readonly #store: SharedMemoryMetaStore;
  readonly #parts: SharedLeadershipParts;
  readonly #ended: (why: string) => void;
  #validUntil: number;
  #renewal: Timer | undefined;
  #isOver = false;

  constructor(store: SharedMemoryMetaStore, parts: SharedLeadershipParts, ended: (why: string) => void) {
    this.#store = store;
    this.#parts = parts;
    this.#ended = ended;
    this.epoch = parts.epoch;
    this.#validUntil = parts.askedAt + LEASE_MS - MARGIN_MS;
    this.#renewLater();
  }

  isValid(): boolean {
    return !this.#isOver && this.#parts.clock.now() < this.#validUntil;
  }

  read(): Promise<MetaRecord | undefined> {
    return this.#store.call(() => structuredClone(this.#parts.memory.record));
  }

  async write(record: MetaRecord): Promise<void> {
    if (!this.isValid()) throw this.#over("its lease has ended");
    if (!(await this.#store.call(() => this.#parts.memory.put(this.epoch, record))))
      throw this.#over("another meta leads");
  }

  async writeControls(version: number, changes: ReadonlyMap<string, string | undefined>): Promise<void> {
    if (!this.isValid()) throw this.#over("its lease has ended");
    if (!(await this.#store.call(() => this.#parts.memory.putControls(this.epoch, version, changes))))
      throw this.#over("another meta leads");
  }

  stop(): void {
    this.#isOver = true;
    this.#renewal?.cancel();
  }

  #renewLater(): void {
    this.#renewal = this.#parts.clock.setTimer(RENEW_MS, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    if (this.#isOver) return;
    const { clock, memory } = this.#parts;
    if (clock.now() >= this.#validUntil) {
      this.#over("its lease could not be renewed");
      return;
    }
    // The next try does not wait for this one, which may never be answered.
    this.#renewLater();
    const askedAt = clock.now();
    const isRenewed = await this.#store.call(() => memory.renew(this.epoch)).catch(() => undefined);
    if (isRenewed === true) this.#validUntil = Math.max(this.#validUntil, askedAt + LEASE_MS - MARGIN_MS);
    else if (isRenewed === false) this.#over("its lease has ended");
  }

  #over(why: string): RegistryError {
    if (!this.#isOver) {
      this.stop();
      this.#ended(why);
    }
    return new RegistryError("unavailable", `this meta does not lead any more: ${why}`);
  }
}
