/**
 * The newest change of a service that has come to this session, and how it goes on from here: how old it is when it is
 * pushed, and, when it is traced, from when it came until it is first made into a push.
 *
 * It is told with pushes for some time only. Those who come later are not being told of a change, and a push is framed once
 * for everybody, so its age would be more and more wrong.
 */

import {
  changeAfter,
  formatVersion,
  type Clock,
  type DurationHistogram,
  type NewestChange,
  type Span,
  type Tracer,
  type Update,
} from "@rollcall/core";

export interface ArrivalPorts {
  readonly clock: Clock;
  readonly tracer: Tracer;
  /** Ages of changes when they are first pushed. */
  readonly pushAges: DurationHistogram;
}

/** How long a change is told with pushes, in milliseconds. */
const TOLD_MS = 5_000;

export class Arrival {
  readonly #keyText: string;
  readonly #ports: ArrivalPorts;
  #newest: NewestChange | undefined;
  #cameAt = 0;
  #isPushed = false;
  #span: Span | undefined;

  constructor(keyText: string, ports: ArrivalPorts) {
    this.#keyText = keyText;
    this.#ports = ports;
  }

  get newest(): NewestChange | undefined {
    return this.#newest;
  }

  came({ origin, version }: Update): void {
    this.#span?.end();
    this.#span = undefined;
    this.#isPushed = false;
    this.#cameAt = this.#ports.clock.now();
    if (origin === undefined) {
      this.#newest = undefined;
      return;
    }
    const { traceparent, ageUs } = origin;
    if (traceparent !== undefined)
      this.#span = this.#ports.tracer.start("rollcall.session.push", traceparent, () => ({
        "rollcall.service": this.#keyText,
        "rollcall.version": formatVersion(version),
      }));
    const madeAt = this.#cameAt - ageUs / 1_000;
    this.#newest = changeAfter(this.#newest, version, madeAt, this.#span?.traceparent ?? traceparent);
  }

  /** The change is in a push that is about to leave. */
  pushed(): void {
    if (this.#isPushed || this.#newest === undefined) return;
    this.#isPushed = true;
    this.#ports.pushAges.observe(this.#ports.clock.now() - this.#newest.madeAt);
    this.#span?.end();
    this.#span = undefined;
  }

  sweep(now: number): void {
    if (this.#newest === undefined || now - this.#cameAt < TOLD_MS) return;
    this.#newest = undefined;
    this.#span?.end();
    this.#span = undefined;
  }
}
