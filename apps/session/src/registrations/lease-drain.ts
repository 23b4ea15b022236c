/**
 * Draining what was registered without a connection: it is removed, and then everybody has to have been told. Whether it
 * is listed all the same, because a client with a connection has registered that id, too, is looked at last: to say that
 * it is drained would be a lie.
 */

import {
  NO_FILTER,
  RegistryError,
  invalidField,
  isPassed,
  type Behind,
  type Clock,
  type Version,
} from "@rollcall/core";

import type { Barriers } from "../routing/barriers.ts";
import type { Interests } from "../views/interests.ts";
import { whenShown } from "../views/when-shown.ts";
import type { LeaseWriter } from "./lease-writer.ts";

/** How long a confirmed list is waited for, in milliseconds: longer than any drain. */
const CONFIRMED_WITHIN_MS = 60_000;

export interface DrainPorts {
  readonly clock: Clock;
  readonly leases: LeaseWriter;
  readonly barriers: Barriers;
  readonly interests: Interests;
}

export interface DrainListener {
  /** It is removed, and these have not been told, as far as is known. */
  behind(behind: Behind): void;
  /** Everybody has been told that the datum at `version` is without it; or it could not be removed. */
  ended(end: Version | RegistryError): void;
}

/** Gives back what gives the waiting up. The instance is removed all the same. */
export function drainLease(
  { clock, leases, barriers, interests }: DrainPorts,
  { key, instanceId, traceparent }: Parameters<LeaseWriter["unregister"]>[0],
  listener: DrainListener,
): () => void {
  let isAwaited = true;
  let giveUp = (): void => {};
  const look = (version: Version): void => {
    const copy = interests.use(key);
    const view = copy.view(NO_FILTER);
    const release = (): void => {
      copy.closeView(view);
      interests.release(copy);
    };
    const stop = whenShown(view, clock, CONFIRMED_WITHIN_MS, ({ datum }) => {
      release();
      const isListed = datum.get(instanceId) !== undefined;
      const error = invalidField("instance_id", "one that no client with a connection has registered", instanceId);
      listener.ended(isListed ? error : version);
    });
    giveUp = () => {
      stop();
      release();
    };
  };
  leases.unregister({ key, instanceId, traceparent }, (outcome) => {
    if (!isAwaited) return;
    if (outcome.kind === "refused") {
      listener.ended(RegistryError.from(outcome.error));
      return;
    }
    giveUp = barriers.open(key, outcome.version, (behind) => {
      listener.behind(behind);
      if (isPassed(behind)) look(outcome.version);
    });
  });
  return () => {
    isAwaited = false;
    giveUp();
  };
}
