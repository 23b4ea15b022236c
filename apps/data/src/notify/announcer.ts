/** Tells whoever is interested that a service has changed, and remembers why a registration was ended. */

import { changeAfter, type Clock, type ServiceEvents, type Traceparent } from "@rollcall/core";

import type { Claim } from "../datums/claim.ts";
import type { RegisteredService } from "../datums/registered-service.ts";
import type { SessionPeers } from "./session-peers.ts";

export class Announcer {
  readonly #peers: SessionPeers;
  readonly #clock: Clock;
  readonly #events: ServiceEvents;

  constructor(peers: SessionPeers, clock: Clock, events: ServiceEvents) {
    this.#peers = peers;
    this.#clock = clock;
    this.#events = events;
  }

  /** The service is at a newer version than before, in the trace of that context. */
  changed(service: RegisteredService, traceparent: Traceparent | undefined): void {
    service.newest = changeAfter(service.newest, service.datum.version, this.#clock.now(), traceparent);
    this.#peers.changed(service.keyText);
  }

  /** An instance is shown otherwise than before, though its provider has said nothing. */
  reshown(service: RegisteredService, instanceId: string, why: string): void {
    this.#events.record(service.keyText, "registered", { version: service.datum.version, instanceId, why });
    this.changed(service, undefined);
  }

  /** An operator has put an instance. */
  put(service: RegisteredService, instanceId: string): void {
    const { version } = service.datum;
    this.#events.record(service.keyText, "registered", { version, instanceId, why: "an operator has put it" });
    this.changed(service, undefined);
  }

  /** This node ends a registration by itself. */
  end(claim: Claim, presumed: boolean, why: string): void {
    const { service, instanceId, clientId } = claim;
    service.end(claim, presumed);
    const who = clientId || "a call";
    this.#events.record(service.keyText, "ended", { version: service.datum.version, instanceId, who, why });
    this.changed(service, undefined);
  }

  /** Probes have found out that an instance cannot take work, or can again. */
  judge(claim: Claim, unhealthy: boolean, why: string): void {
    const { service, instanceId } = claim;
    service.judge(claim, unhealthy);
    const kind = unhealthy ? "unhealthy" : "healthy";
    this.#events.record(service.keyText, kind, { version: service.datum.version, instanceId, why });
    this.changed(service, undefined);
  }
}
