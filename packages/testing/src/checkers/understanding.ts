/**
 * R19, understanding: whatever versions the nodes are of, none refuses what another one says. Only to be judged where links
 * lose nothing: whose hello was lost is not understood afterwards.
 */

import type { History } from "../history.ts";
import type { Violation } from "./violation.ts";

export function checkUnderstanding({ events }: History): Violation[] {
  return events.flatMap((event) =>
    event.kind === "misunderstood"
      ? [{ property: "R19", at: event.at, message: `${event.to} does not understand ${event.from}: ${event.why}` }]
      : [],
  );
}
