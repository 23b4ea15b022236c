import { type RegistrationOutcome, type SlotId, type Version, type Write, type WriteOutcome } from "@rollcall/core";
import { SimClock } from "@rollcall/testing";
import { RegistrationOwner } from "../src/registrations/registration-owner.ts";
import { RegistrationStore, type Wish } from "../src/registrations/registration-store.ts";
import { Handover } from "../src/routing/handover.ts";
import { Writer } from "../src/routing/writer.ts";
import { ORDERS, slotTable, version } from "./fixture.ts";

/** The store, its writer and its handover, against a leader in the hands of the test. */
export function startSession() {
  const clock = new SimClock();
  const client = new RegistrationOwner();
  const woken: string[] = [];
  const wake = (nodeId: string) => void woken.push(nodeId);
  const writer = new Writer({ clock, wake, tableIsOld: () => {} });
  const store: RegistrationStore = new RegistrationStore(clock, writer, (registration) =>
    handover.written(registration),
  );
  /** What the session has been notified of. */
  const seen = new Map<SlotId, Version>();
  const handover = new Handover({
    clock,
    registrations: store,
    hasPending: (slot) => writer.hasPending(slot),
    seen: () => seen,
    wake,
  });
  const adopt = (table: ReturnType<typeof slotTable>) => {
    writer.adopt(table);
    handover.adopt(table);
  };
  adopt(slotTable(1, "d-1"));
  for (const report of handover.takeReports("d-1")) handover.reported(report);
  const heard: string[] = [];
  const inWords = (outcome: RegistrationOutcome) =>
    outcome.kind === "applied" ? `applied ${outcome.version.counter}` : outcome.error.message;
  const hear =
    (name: string) =>
    (outcome: RegistrationOutcome | undefined): void => {
      // With nothing when the same was asked for again: then that is answered.
      if (outcome !== undefined) heard.push(`${name}: ${inWords(outcome)}`);
    };

  function wish(counter: number, change: Partial<Wish> = {}, name = `${counter}`): void {
    const wished: Wish = {
      key: ORDERS,
      instanceId: "i-1",
      clientId: "c",
      owner: client,
      version: { incarnation: 1, counter },
      removed: false,
      instance: Uint8Array.of(counter),
      leaseMs: 0,
      ...change,
    };
    store.wish(wished, hear(name));
  }

  const take = (nodeId = "d-1"): Write[] => {
    const writes: Write[] = [];
    for (let batch = writer.take(nodeId); batch.length > 0; batch = writer.take(nodeId)) writes.push(...batch);
    return writes;
  };
  const answer = (writes: readonly Write[], outcome: WriteOutcome = { kind: "applied", version: version(7) }) => {
    for (const { sequence } of writes) writer.settle({ sequence, outcome });
  };
  const inShort = (writes: readonly Write[]) =>
    writes.map(({ kind, instanceId, version: at }) => `${kind} ${instanceId} ${at.incarnation}.${at.counter}`);
  return { clock, client, writer, store, handover, seen, adopt, wish, hear, heard, take, answer, inShort, woken };
}
