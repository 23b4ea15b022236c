/** P7, empty guard: a view that showed instances becomes empty only when the empty list is confirmed. */

import type { History } from "../history.ts";
import { readHistory, subscriberInWords } from "./reading.ts";
import type { Violation } from "./violation.ts";

export function checkEmptyGuard(history: History): Violation[] {
  return readHistory(history).subscriptions.flatMap((subscription) =>
    subscription.views
      .filter(
        (view, index) =>
          view.instances.size === 0 && !view.confirmed && (subscription.views[index - 1]?.instances.size ?? 0) > 0,
      )
      .map(({ at, service }): Violation => ({
        property: "P7",
        at,
        service,
        message: `${subscriberInWords(subscription)} becomes empty unconfirmed`,
      })),
  );
}
