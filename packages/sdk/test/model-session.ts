/** The registry in memory behind links that lose messages. Other clients are changes that the test makes by itself. */

import type { Clock, Datum, EncodedInstance, ServiceKey, StreamRoutes } from "@rollcall/core";
import { CONNECT_PATH } from "@rollcall/protocol";

import { MemorySession } from "../src/testing/memory-session.ts";

const SWEEP_MS = 500;

const OTHER = "other";

export class ModelSession {
  readonly #clock: Clock;
  readonly #session: MemorySession;
  #counter = 0;
  #makeSure: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#session = new MemorySession(clock);
    this.#watchSilence();
  }

  get routes(): StreamRoutes {
    return new Map([[CONNECT_PATH, this.#session.accept]]);
  }

  datum(key: ServiceKey): Datum {
    return this.#session.service(key).datum;
  }

  put(key: ServiceKey, { id, bytes }: EncodedInstance): void {
    this.#claim(key, id, bytes);
  }

  remove(key: ServiceKey, id: string): void {
    this.#claim(key, id, undefined);
  }

  #claim(key: ServiceKey, id: string, bytes: Uint8Array | undefined): void {
    const version = { incarnation: 1, counter: ++this.#counter };
    const claim = { clientId: OTHER, version, removed: bytes === undefined, bytes: bytes ?? new Uint8Array(0) };
    this.#session.claim(key, id, claim);
  }

  /** Everything is gone, and what comes in its place counts from the beginning. Links are to be cut with it. */
  becomeAnotherCluster(): void {
    this.#session.becomeAnotherCluster();
  }

  /** Whether it vouches for its lists from now on. */
  beSure(isSure: boolean): void {
    this.#makeSure?.();
    this.#makeSure = isSure ? undefined : this.#session.doubt();
  }

  #watchSilence(): void {
    this.#session.sweep();
    this.#clock.setTimer(SWEEP_MS, () => this.#watchSilence());
  }
}
