/**
 * Where what is sent comes from: the newest change of a service, kept by whoever sends updates of it, so that receivers
 * learn how old it is and to which trace it belongs. A receiver is told only of a change that it does not have yet.
 *
 * Changes coalesce, and one update has room for one trace: that of the newest sampled change it brings. The traces of
 * those before end where they were merged.
 */

import type { ChangeOrigin, Held } from "./datum.ts";
import type { Traceparent } from "./tracing.ts";
import { isNewer, type Version } from "./version.ts";

export interface NewestChange {
  readonly version: Version;
  /** By the clock of whoever keeps this, in milliseconds. */
  readonly madeAt: number;
  /** The newest sampled change, which may be an earlier one. */
  readonly traced: { readonly version: Version; readonly traceparent: Traceparent } | undefined;
}

export function changeAfter(
  before: NewestChange | undefined,
  version: Version,
  madeAt: number,
  traceparent: Traceparent | undefined,
): NewestChange {
  return { version, madeAt, traced: traceparent === undefined ? before?.traced : { version, traceparent } };
}

const AGE_MAX_US = 0xffff_ffff;

/**
 * What to tell a receiver that holds `held` with an update sent now. Nothing to one that held nothing, for it is not
 * being told of a change.
 * @param transitMs what it takes to the receiver, as far as that is known
 */
export function originOf(
  change: NewestChange | undefined,
  held: Held | undefined,
  now: number,
  transitMs: number,
): ChangeOrigin | undefined {
  if (change === undefined || held === undefined || !isNewer(change.version, held.version)) return undefined;
  const { madeAt, traced } = change;
  const ageUs = Math.round((now - madeAt + transitMs) * 1_000);
  return {
    traceparent: traced !== undefined && isNewer(traced.version, held.version) ? traced.traceparent : undefined,
    ageUs: Math.min(AGE_MAX_US, Math.max(0, ageUs)),
  };
}
