/** Registrations made call by call, without a connection: they live while their lease is renewed, through any session. */

import type { RegistrationOutcome, ServiceKey, Traceparent, Tracer } from "@rollcall/core";

import { Renewal } from "../routing/renewal.ts";
import type { Writer } from "../routing/writer.ts";
import type { RegistrationStore } from "./registration-store.ts";
import { traceWrite } from "./write-span.ts";

export interface LeaseRegistration {
  readonly key: ServiceKey;
  readonly instanceId: string;
  readonly instance: Uint8Array;
  readonly leaseMs: number;
  readonly traceparent?: Traceparent | undefined;
}

const NO_BYTES = new Uint8Array(0);

export class LeaseWriter {
  readonly #registrations: RegistrationStore;
  readonly #writer: Writer;
  readonly #tracer: Tracer;

  constructor(registrations: RegistrationStore, writer: Writer, tracer: Tracer) {
    this.#registrations = registrations;
    this.#writer = writer;
    this.#tracer = tracer;
  }

  register(registration: LeaseRegistration, settled: (outcome: RegistrationOutcome) => void): void {
    this.#wish({ ...registration, removed: false }, settled);
  }

  unregister(
    { key, instanceId, traceparent }: Omit<LeaseRegistration, "instance" | "leaseMs">,
    settled: (outcome: RegistrationOutcome) => void,
  ): void {
    this.#wish({ key, instanceId, instance: NO_BYTES, leaseMs: 0, removed: true, traceparent }, settled);
  }

  /** Gives back what gives it up. `settled` is told whether the leader holds such a lease. */
  renew(key: ServiceKey, instanceId: string, settled: (known: boolean) => void): () => void {
    let isAwaited = true;
    const renewal = new Renewal(key, instanceId, (known) => {
      if (known) this.#registrations.renewed(key, instanceId);
      else this.#registrations.leaseUnknown(key, instanceId);
      if (isAwaited) settled(known);
    });
    this.#writer.enqueue(renewal);
    return () => {
      isAwaited = false;
      renewal.cancel();
    };
  }

  #wish(
    registration: LeaseRegistration & { readonly removed: boolean },
    settled: (outcome: RegistrationOutcome) => void,
  ): void {
    const version = this.#registrations.nextLeaseVersion();
    const traced = traceWrite(this.#tracer, registration, (outcome) => {
      // Each has a version of its own, so none is ever asked for again.
      if (outcome !== undefined) settled(outcome);
    });
    const wish = { ...registration, clientId: "", owner: undefined, version, traceparent: traced.traceparent };
    this.#registrations.wish(wish, traced.settled);
  }
}
