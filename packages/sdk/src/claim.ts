import { RegistryError, type Instance, type ServiceKey, type Span, type Version } from "@rollcall/core";

import type { Deferred } from "./promises.ts";

/** One client's say in one (service, instance id). Changed by `Registrations` alone. */
export interface Claim {
  readonly key: ServiceKey;
  readonly wanted: "listed" | "gone";
  /** As it is listed, or was last. */
  readonly instance: Instance;
  /** Datum version at which the instance, or its end, was last applied. */
  readonly version: Version | undefined;
  /** Why it ended other than by an unregister that was applied: refused for good, or abandoned. */
  readonly error: RegistryError | undefined;
}

/** The claim as `Registrations` keeps it. */
export interface OwnClaim extends Claim {
  readonly text: string;
  wanted: "listed" | "gone";
  instance: Instance;
  bytes: Uint8Array;
  /** Grows with every change. */
  counter: number;
  /** Names the newest version on the present connection. */
  sequence: number;
  /** What the registry took last, to go back to when it refuses something newer. */
  applied: Instance | undefined;
  version: Version | undefined;
  error: RegistryError | undefined;
  /** How many versions were ever handed to a link. Of a claim without one, nobody has to be told the end. */
  told: number;
  /** Of the newest change, until the registry has answered it. */
  span: Span | undefined;
  /** Its end is said anew on each connection until it has been drained. */
  isDraining: boolean;
  /** Settles when the newest version is applied or refused; undefined when nobody waits. */
  settled: Deferred<void> | undefined;
}

/** A copy that nobody can change: what users are shown is what was sent. */
export function frozen(instance: Instance): Instance {
  return Object.freeze({ ...instance, metadata: Object.freeze({ ...instance.metadata }) });
}

/** Why a claim has ended. */
export function closed(message: string): RegistryError {
  return new RegistryError("closed", message);
}
