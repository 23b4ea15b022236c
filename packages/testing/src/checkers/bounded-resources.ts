/** P10, bounded resources: whatever was measured is within its bound. */

import type { History } from "../history.ts";
import type { Violation } from "./violation.ts";

export function checkBoundedResources({ events }: History): Violation[] {
  return events.flatMap((event): Violation[] =>
    event.kind === "measured" && event.value > event.max
      ? [{ property: "P10", at: event.at, message: `${event.what}: ${event.value}, at most ${event.max}` }]
      : [],
  );
}
