import type { Datum, Update } from "../src/datum.ts";
import { Deliveries, type Due, type Shown } from "../src/deliveries.ts";
import { updateFor } from "../src/delivery.ts";
import { NO_FILTER } from "../src/filter.ts";

/** A receiver that follows datums by name, confirmed unless said otherwise; those not in the map may not be shown. */
export function receiver(datums: Record<string, Datum>) {
  const shown = new Map<string, Shown>(
    Object.entries(datums).map(([name, datum]) => [name, { datum, confirmed: true }]),
  );
  let wakes = 0;
  const deliveries = new Deliveries<string>(
    (name) => shown.get(name),
    () => void wakes++,
  );
  const take = (now = 0) => [...deliveries.due(now)];
  return {
    deliveries,
    show: (name: string, datum: Datum, confirmed = true) => {
      shown.set(name, { datum, confirmed });
      deliveries.allChanged();
    },
    wakes: () => wakes,
    take,
    due: (now = 0) => take(now).map(({ source, held }) => [source, held?.version.counter]),
    received: (name: string) => deliveries.receipt(name, { held: shown.get(name)!.datum.held, resync: false }),
  };
}

/** What the receiver gets of something due. */
export function updateOf({ datum, held, confirmed }: Due<string>): Update {
  return updateFor(datum, held, NO_FILTER, confirmed);
}
