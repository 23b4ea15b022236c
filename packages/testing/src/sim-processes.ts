/** What the process at each address is doing, as the network sees it: listening, reading, stopped, or gone. */

import { assert, type StreamRoutes } from "@rollcall/core";

export class SimProcesses {
  readonly #routes = new Map<string, StreamRoutes>();
  readonly #notReading = new Set<string>();
  readonly #frozen = new Set<string>();
  /** Machines that are gone: not even a refusal comes from there. */
  readonly #gone = new Set<string>();
  readonly #crashes = new Map<string, number>();

  listen(address: string, routes: StreamRoutes): void {
    assert(!this.#routes.has(address), `nothing else listens at ${address}`);
    this.#routes.set(address, routes);
  }

  unlisten(address: string): void {
    this.#routes.delete(address);
  }

  routesAt(address: string): StreamRoutes | undefined {
    return this.#routes.get(address);
  }

  /** How often the process at an address has crashed: what an earlier life left behind is as dead as that life. */
  livesBefore(address: string): number {
    return this.#crashes.get(address) ?? 0;
  }

  crash(address: string, silent: boolean): void {
    this.unlisten(address);
    this.#notReading.delete(address);
    this.#frozen.delete(address);
    if (silent) this.#gone.add(address);
    this.#crashes.set(address, this.livesBefore(address) + 1);
  }

  /** Somebody acts at `address`, so its machine is there. Gives true when it was gone. */
  comeBack(address: string): boolean {
    return this.#gone.delete(address);
  }

  setReading(address: string, reading: boolean): void {
    if (reading) this.#notReading.delete(address);
    else this.#notReading.add(address);
  }

  setFrozen(address: string, frozen: boolean): void {
    if (frozen) this.#frozen.add(address);
    else this.#frozen.delete(address);
  }

  /** Whether what arrives at `address` is taken in. */
  isReading(address: string): boolean {
    return !this.#notReading.has(address) && !this.isSilent(address);
  }

  /** Whether not even the transport at `address` answers. */
  isSilent(address: string): boolean {
    return this.#frozen.has(address) || this.#gone.has(address);
  }

  /** Everyone reads and answers again. Those who crashed stay so. */
  calm(): void {
    this.#notReading.clear();
    this.#frozen.clear();
  }
}
