import { RegistryError, type Clock } from "@rollcall/core";

import { deferred, untilAborted } from "./promises.ts";
import type { ServiceView } from "./service-view.ts";
import type { Subscription } from "./subscription.ts";

/**
 * The first view of a subscription, or the last one when there has been one.
 *
 * Rejects as `ready` does; with a RegistryError `deadline_exceeded` after `timeoutMs` milliseconds; with the reason of
 * `signal`.
 */
export async function firstView(
  { ready, service: { service } }: Subscription,
  {
    clock,
    timeoutMs,
    signal,
  }: { readonly clock: Clock; readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
): Promise<ServiceView> {
  const { promise: late, reject } = deferred<never>();
  const timer = clock.setTimer(timeoutMs, () =>
    reject(new RegistryError("deadline_exceeded", `no view of ${service} in ${timeoutMs} ms`)),
  );
  try {
    return await untilAborted(Promise.race([ready, late]), signal);
  } finally {
    timer.cancel();
  }
}
