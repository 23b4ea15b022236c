/** What one data node tells of one namespace over one link: asked for until it is answered, and kept true with proof. */

import {
  UpdateParts,
  emptyServiceList,
  epoch,
  updateFromChange,
  type Datum,
  type Held,
  type ServicesNotification,
  type ServicesNotifyReceipt,
  type Update,
} from "@rollcall/core";

/** What is asked for and not answered for so long, in milliseconds, is asked for again. */
const ASK_AGAIN_MS = 1_000;

type Question =
  | { readonly state: "open" }
  /** `at` in clock milliseconds. */
  | { readonly state: "asked"; readonly at: number }
  | { readonly state: "answered" };

export class ToldServices {
  readonly namespace: string;
  readonly told: Datum;
  readonly #parts = new UpdateParts();
  #question: Question = { state: "open" };
  #isAnswered = false;

  constructor(namespace: string) {
    this.namespace = namespace;
    this.told = emptyServiceList(namespace, { epoch: epoch(0), counter: 0 });
  }

  get held(): Held | undefined {
    return this.#isAnswered ? this.told.held : undefined;
  }

  get isOpen(): boolean {
    return this.#question.state === "open";
  }

  ask(): void {
    this.#question = { state: "open" };
  }

  asked(now: number): void {
    this.#question = { state: "asked", at: now };
  }

  /** Gives whether it has to be asked for again. */
  isOverdue(now: number): boolean {
    return this.#question.state === "asked" && now - this.#question.at >= ASK_AGAIN_MS;
  }

  /** Takes in a notification, or a part of one; `taken` is called when it brings news. Gives the receipt. */
  notified(
    { namespace, ...change }: ServicesNotification,
    taken: (update: Update) => void,
  ): ServicesNotifyReceipt | undefined {
    const update = this.#parts.take(updateFromChange(namespace, change));
    if (update === undefined) return undefined;
    const outcome = this.told.apply(update);
    if (outcome !== "mismatch") {
      this.#question = { state: "answered" };
      this.#isAnswered = true;
    }
    if (outcome === "applied") taken(update);
    return { namespace, held: this.told.held, resync: outcome === "mismatch" };
  }
}
