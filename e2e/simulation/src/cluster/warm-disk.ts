/** The disk of a data node: the warm copy that it keeps of its slots outlives its process. */

import type { Clock } from "@rollcall/core";
import { MemoryWarmDisk } from "@rollcall/data";

import type { SimDisk } from "./sim-node.ts";

/** How long a write is on its way, in milliseconds: what a crash in between takes with it. */
const WRITE_MS = 2;

export class WarmDisk implements SimDisk {
  readonly #world: Clock;
  #disk: MemoryWarmDisk;
  #isFull = false;

  /** @param world the clock that goes on when the process does not */
  constructor(world: Clock) {
    this.#world = world;
    this.#disk = new MemoryWarmDisk({ clock: world, writeMs: WRITE_MS });
  }

  /** What a data server is given of it, for one life of the process. */
  ports(): { readonly warm: ReturnType<MemoryWarmDisk["open"]> } {
    return { warm: this.#disk.open() };
  }

  crash(): void {
    this.#disk.crash();
  }

  lose(): void {
    this.#disk = new MemoryWarmDisk({ clock: this.#world, writeMs: WRITE_MS });
    this.setFull(this.#isFull);
  }

  setFull(full: boolean): void {
    this.#isFull = full;
    if (full) this.#disk.fail("no space left on device");
    else this.#disk.mend();
  }
}
