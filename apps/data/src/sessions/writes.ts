/**
 * Writes of sessions: whether this node may take them, and what becomes of them. A write names the leader epoch its sender
 * believes in; whatever is not for us, or not now, is answered with what the sender needs to do better.
 */

import {
  slotOfServiceKey,
  type RegistryError,
  type ServiceEvents,
  type Span,
  type Traceparent,
  type Tracer,
  type Write,
  type WriteOutcome,
} from "@rollcall/core";

import type { Claim } from "../datums/claim.ts";
import type { DatumStore } from "../datums/datum-store.ts";
import type { RegisteredService } from "../datums/registered-service.ts";
import type { SlotOwnership } from "../slots/ownership.ts";

export interface WritesPorts {
  readonly tracer: Tracer;
  /** A session believes in a newer slot table than this node has. */
  readonly tableIsOld: () => void;
  /** A lease is renewed. */
  readonly renewed: (claim: Claim) => void;
  /** A service is at a newer version than before, in the trace of that context. */
  readonly changed: (service: RegisteredService, traceparent: Traceparent | undefined) => void;
  readonly events: ServiceEvents;
  /** Why a registration is not to be taken; undefined when it is. */
  readonly refusal: (write: Write) => RegistryError | undefined;
}

export class Writes {
  readonly #datums: DatumStore;
  readonly #ownership: SlotOwnership;
  readonly #ports: WritesPorts;

  constructor(datums: DatumStore, ownership: SlotOwnership, ports: WritesPorts) {
    this.#datums = datums;
    this.#ownership = ownership;
    this.#ports = ports;
  }

  take(write: Write, session: string): WriteOutcome {
    const access = this.#ownership.access(slotOfServiceKey(write.key), write.leaderEpoch, "write");
    if (access.kind !== "accepted") {
      if (write.leaderEpoch > access.leaderEpoch) this.#ports.tableIsOld();
      return access;
    }
    if (write.kind === "renew") return this.#renew(write);
    const error = write.kind === "register" ? this.#ports.refusal(write) : undefined;
    return error === undefined ? this.#merge(write, session) : { kind: "denied", error };
  }

  #merge(write: Write, session: string): WriteOutcome {
    const service = this.#datums.obtain(write.key);
    const span = this.#spanOf(write, service.keyText);
    const before = service.datum.version;
    const outcome = service.merge(write, session);
    span?.end(outcome.kind === "superseded" ? "a newer version is known" : undefined);
    const { version } = service.datum;
    const happening = { version, instanceId: write.instanceId, who: write.clientId || "a call", via: session };
    if (outcome.kind === "superseded") {
      const why = `it knows ${outcome.by.incarnation}.${outcome.by.counter} of the registration`;
      this.#ports.events.record(service.keyText, "superseded", { ...happening, why });
      return outcome;
    }
    if (version !== before) {
      this.#ports.events.record(service.keyText, write.kind === "register" ? "registered" : "unregistered", happening);
      this.#ports.changed(service, span?.traceparent ?? write.traceparent);
    }
    return { kind: "applied", version };
  }

  #renew(write: Write): WriteOutcome {
    const service = this.#datums.find(write.key);
    const claim = service?.find(write.instanceId, write.clientId);
    if (service !== undefined && claim !== undefined && !claim.removed) {
      this.#ports.renewed(claim);
      return { kind: "applied", version: service.datum.version };
    }
    // While sessions are still handing over, what is not known yet may be on its way.
    const access = this.#ownership.access(slotOfServiceKey(write.key), write.leaderEpoch, "read");
    return access.kind === "accepted" ? { kind: "unknown" } : access;
  }

  #spanOf({ traceparent, instanceId }: Write, keyText: string): Span | undefined {
    if (traceparent === undefined) return undefined;
    return this.#ports.tracer.start("rollcall.data.apply", traceparent, () => ({
      "rollcall.service": keyText,
      "rollcall.instance": instanceId,
    }));
  }
}
