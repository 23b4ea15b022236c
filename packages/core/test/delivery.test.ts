import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Datum, type Update } from "../src/datum.ts";
import {
  afterReceipt,
  afterSending,
  afterSilence,
  deliveryTo,
  updateFor,
  wantsUpdate,
  type Delivery,
  type Receipt,
} from "../src/delivery.ts";
import { NO_FILTER } from "../src/filter.ts";
import { compareVersions } from "../src/version.ts";
import { change, changes, contentOf, datumOf, digestFromScratch, instance, KEY, version } from "./datum-fixture.ts";

describe("what goes out", () => {
  const datum = datumOf("a", "b", "c");
  const before = datum.held;
  datum.put(instance("a", "new"), version(10));
  const wrong = { version: datum.version, digest: before.digest };
  const ahead = { version: version(99), digest: before.digest };

  test.each<{ what: string; delivery: Delivery; wants: boolean }>([
    { what: "who asked and holds nothing", delivery: deliveryTo(undefined), wants: true },
    {
      what: "who asked and holds the present content, which is an answer",
      delivery: deliveryTo(datum.held),
      wants: true,
    },
    { what: "who asked and holds older content", delivery: deliveryTo(before), wants: true },
    { what: "nobody who is ahead", delivery: deliveryTo(ahead), wants: false },
    { what: "nobody who has the present content", delivery: { state: "idle", held: datum.held }, wants: false },
    { what: "who has older content", delivery: { state: "idle", held: before }, wants: true },
    {
      what: "who has other content at the present version, which is wrong",
      delivery: { state: "idle", held: wrong },
      wants: true,
    },
    { what: "who asked and holds other content at the present version", delivery: deliveryTo(wrong), wants: true },
    { what: "who has an unknown content", delivery: { state: "idle", held: undefined }, wants: true },
    { what: "nobody whose receipt is awaited", delivery: afterSending(datum, before, 0), wants: false },
  ])("goes to $what", ({ delivery, wants }) => {
    expect(wantsUpdate(delivery, datum)).toBe(wants);
  });

  test("is a delta for who holds something known, a snapshot for everyone else", () => {
    expect(updateFor(datum, before, NO_FILTER, true).baseDigest).toEqual(before.digest);
    expect(updateFor(datum, undefined, NO_FILTER, true).baseDigest).toBeUndefined();
    expect(updateFor(datum, wrong, NO_FILTER, true).baseDigest).toBeUndefined();
  });

  test.each([true, false])("says whether the slot's leader vouches for it: %s", (confirmed) => {
    for (const held of [before, datum.held, undefined])
      expect(updateFor(datum, held, NO_FILTER, confirmed).confirmed).toBe(confirmed);
  });
});

describe("a receipt", () => {
  const datum = datumOf("a", "b");
  const older = datumOf("a").held;
  const sending = afterSending(datum, older, 5);

  test("ends the sending with what the receiver holds", () => {
    expect(afterReceipt(sending, { held: datum.held, resync: false })).toEqual({ state: "idle", held: datum.held });
  });

  test("that is older than what was sent is a late one and ends nothing", () => {
    expect(afterReceipt(sending, { held: older, resync: false })).toBe(sending);
    const idle: Delivery = { state: "idle", held: datum.held };
    expect(afterReceipt(idle, { held: older, resync: false })).toBe(idle);
  });

  test("that asks for a resync leaves nothing known, so that a snapshot follows", () => {
    const delivery = afterReceipt(sending, { held: older, resync: true });
    expect(delivery).toEqual({ state: "idle", held: undefined });
    expect(wantsUpdate(delivery, datum)).toBe(true);
  });

  test("that does not come in time leaves nothing known", () => {
    expect(afterSilence(sending, 104, 100)).toBe(sending);
    expect(afterSilence(sending, 105, 100)).toEqual({ state: "idle", held: undefined });
    expect(afterSilence(deliveryTo(older), 1e9, 100)).toEqual(deliveryTo(older));
    // There was no news in it, so what the receiver holds is known all the same.
    const same = { ...datum.held, version: older.version };
    expect(afterSilence(afterSending(datum, same, 5), 105, 100)).toEqual(deliveryTo(same));
  });
});

/** What may happen between a source and a receiver. Positions are taken modulo what is on its way. */
type Step =
  | { readonly kind: "change"; readonly id: string; readonly content: string | undefined }
  | { readonly kind: "take over" }
  | { readonly kind: "update" | "receipt"; readonly position: number; readonly fate: "arrives" | "lost" | "twice" }
  | { readonly kind: "silence" };

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: changes.map((one) => ({ kind: "change" as const, ...one })) },
  { weight: 1, arbitrary: fc.constant({ kind: "take over" as const }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom("update" as const, "receipt" as const),
      position: fc.nat(3),
      fate: fc.constantFrom("arrives" as const, "arrives" as const, "lost" as const, "twice" as const),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "silence" as const }) },
);

/** A source and a receiver with a bad line between them: what is on its way comes in any order, twice, or never. */
class BadLine {
  readonly source = new Datum(KEY, version(0));
  readonly receiver = new Datum(KEY, version(0));
  readonly updates: Update[] = [];
  readonly receipts: Receipt[] = [];
  delivery: Delivery = deliveryTo(undefined);
  sent = 0;
  #version = version(0);

  do(step: Step): void {
    if (step.kind === "change") {
      this.#version = version(this.#version.counter + 1, this.#version.epoch);
      change(this.source, step, this.#version);
    } else if (step.kind === "take over") {
      this.#version = version(0, this.#version.epoch + 1);
      this.source.adopt(this.#version);
    } else if (step.kind === "silence") {
      this.delivery = afterSilence(this.delivery, 1_000, 1_000);
    } else {
      this.#carry(step.kind === "update" ? this.updates : this.receipts, step.position, step.fate);
    }
    this.#send();
  }

  #carry(line: (Update | Receipt)[], position: number, fate: "arrives" | "lost" | "twice"): void {
    if (line.length === 0) return;
    const at = position % line.length;
    const one = line[at]!;
    if (fate !== "twice") line.splice(at, 1);
    if (fate === "lost") return;
    if ("resync" in one) this.delivery = afterReceipt(this.delivery, one);
    else this.receipts.push({ resync: this.receiver.apply(one) === "mismatch", held: this.receiver.held });
  }

  #send(): void {
    if (!wantsUpdate(this.delivery, this.source)) return;
    const held = this.delivery.state === "sending" ? undefined : this.delivery.held;
    this.updates.push(updateFor(this.source, held, NO_FILTER, true));
    this.delivery = afterSending(this.source, undefined, 0);
    this.sent++;
  }

  /** The line is good again: everything arrives, and what was lost is noticed. */
  comeToRest(): void {
    for (let round = 0; round < 20; round++) {
      while (this.updates.length > 0) this.do({ kind: "update", position: 0, fate: "arrives" });
      while (this.receipts.length > 0) this.do({ kind: "receipt", position: 0, fate: "arrives" });
      this.do({ kind: "silence" });
    }
  }
}

test("over any bad line the receiver converges, never goes back, and at rest nothing is sent", () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 80 }), (story) => {
      const line = new BadLine();
      for (const step of story) {
        const before = line.receiver.version;
        line.do(step);
        expect(compareVersions(line.receiver.version, before)).toBeGreaterThanOrEqual(0);
        expect(line.receiver.digest).toEqual(digestFromScratch(line.receiver));
      }
      line.comeToRest();
      expect(contentOf(line.receiver)).toEqual(contentOf(line.source));
      expect(line.receiver.digest).toEqual(line.source.digest);
      const { sent } = line;
      line.comeToRest();
      expect(line.sent).toBe(sent);
    }),
    { numRuns: 1_000 },
  );
});

test("over a good line every change goes out at once, and those made meanwhile go out together", () => {
  const line = new BadLine();
  const arrives = (kind: "update" | "receipt") => line.do({ kind, position: 0, fate: "arrives" });
  line.do({ kind: "change", id: "a", content: "1" });
  expect(line.updates).toHaveLength(1);
  line.do({ kind: "change", id: "b", content: "1" });
  line.do({ kind: "change", id: "c", content: "1" });
  expect(line.updates).toHaveLength(1);
  arrives("update");
  arrives("receipt");
  expect(line.updates).toHaveLength(1);
  arrives("update");
  arrives("receipt");
  expect(line.sent).toBe(2);
  expect(contentOf(line.receiver)).toEqual(contentOf(line.source));
});

test("a leader that took over with the same content sends nothing", () => {
  const line = new BadLine();
  line.do({ kind: "change", id: "a", content: "1" });
  line.comeToRest();
  const { sent } = line;
  line.do({ kind: "take over" });
  line.comeToRest();
  expect(line.sent).toBe(sent);
});
