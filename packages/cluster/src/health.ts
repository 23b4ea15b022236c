/** grpc.health.v1 for any node: serving when nothing keeps it from doing its work. */

import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { RegistryError, type Clock } from "@rollcall/core";
import { HealthCheckResponse_ServingStatus as Status, type Health } from "@rollcall/protocol";

/** How often a watched status is looked at, in milliseconds. */
const WATCH_MS = 1_000;

/**
 * @param services full names of the RPC services that may be asked about, besides the node as a whole
 * @param unready what keeps the node from doing its work
 */
export function healthService(
  services: readonly string[],
  unready: () => readonly string[],
  clock: Clock,
): ServiceImpl<typeof Health> {
  const isKnown = (service: string): boolean => service === "" || services.includes(service);
  const status = (): Status => (unready().length === 0 ? Status.SERVING : Status.NOT_SERVING);
  return {
    check({ service }) {
      if (!isKnown(service))
        throw new RegistryError("unknown_registration", `there is no service ${JSON.stringify(service)} here`);
      return { status: status() };
    },
    async *watch({ service }, context) {
      let last: Status | undefined;
      while (!context.signal.aborted) {
        const present = isKnown(service) ? status() : Status.SERVICE_UNKNOWN;
        if (present !== last) yield { status: present };
        last = present;
        await passed(WATCH_MS, clock, context);
      }
    },
  };
}

/** A while, or the end of the call if that comes first. */
function passed(ms: number, clock: Clock, { signal }: HandlerContext): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = clock.setTimer(ms, done);
    signal.addEventListener("abort", done);
  });
}
