/**
 * The disk of a meta: what it has written outlives its process. A write takes a moment, and a process that is killed
 * during one does not learn whether it happened, nor does anyone decide it but chance.
 */

import type { Clock } from "@rollcall/core";
import { MemoryMetaStore, type MetaRecord, type StoredControls } from "@rollcall/meta";
import type { SeededRandom } from "@rollcall/testing";

import type { SimDisk } from "./sim-node.ts";

/** The longest time that reading or writing takes, in milliseconds. */
const SLOWNESS_MS = 2;

/** One life of the process that owns the disk. */
export interface DiskOwner {
  readonly clock: Clock;
  isAlive(): boolean;
}

export class MetaDisk implements SimDisk {
  readonly world: Clock;
  readonly random: SeededRandom;
  kept = new MemoryMetaStore();
  isFull = false;

  /** @param world the clock that goes on when the process does not */
  constructor(world: Clock, random: SeededRandom) {
    this.world = world;
    this.random = random;
  }

  /** A write under way is decided by the store of the life that made it. */
  crash(): void {}

  lose(): void {
    this.kept = new MemoryMetaStore();
  }

  setFull(full: boolean): void {
    this.isFull = full;
  }

  storeFor(owner: DiskOwner): MemoryMetaStore {
    return new OwnedMetaStore(this, owner);
  }
}

/** The store of one life: once that has ended nothing is answered any more, because its clock stands still. */
class OwnedMetaStore extends MemoryMetaStore {
  readonly #disk: MetaDisk;
  readonly #owner: DiskOwner;

  constructor(disk: MetaDisk, owner: DiskOwner) {
    super();
    this.#disk = disk;
    this.#owner = owner;
  }

  override async read(): Promise<MetaRecord | undefined> {
    const kept = await this.#disk.kept.read();
    await this.#moment(this.#owner.clock);
    return kept;
  }

  override write(written: MetaRecord): Promise<void> {
    return this.#keep((kept) => kept.write(written));
  }

  override async readControls(): Promise<StoredControls> {
    const kept = await this.#disk.kept.readControls();
    await this.#moment(this.#owner.clock);
    return kept;
  }

  override writeControls(...written: Parameters<MemoryMetaStore["writeControls"]>): Promise<void> {
    return this.#keep((kept) => kept.writeControls(...written));
  }

  async #keep(write: (kept: MemoryMetaStore) => Promise<void>): Promise<void> {
    const disk = this.#disk;
    const owner = this.#owner;
    if (owner.isAlive()) {
      const { kept } = disk;
      const happensAnyway = disk.random.chance(0.5);
      await this.#moment(disk.world);
      if (!disk.isFull && (owner.isAlive() || happensAnyway)) await write(kept);
    }
    const { isFull } = disk;
    await this.#moment(owner.clock);
    if (isFull) throw new Error("no space left on device");
  }

  #moment(clock: Clock): Promise<void> {
    return new Promise((resolve) => void clock.setTimer(this.#disk.random.between(0, SLOWNESS_MS), resolve));
  }
}
