/** The renewal of a lease on its way to the leader, which alone knows whether the lease is still held. */

import { slotOfServiceKey, type ServiceKey, type SlotId } from "@rollcall/core";

import type { FinalOutcome, Outgoing, Sent, WriteBody } from "./writer.ts";

export class Renewal implements Outgoing {
  readonly slot: SlotId;
  isPending = false;
  readonly #key: ServiceKey;
  readonly #instanceId: string;
  #settled: ((known: boolean) => void) | undefined;
  #isCancelled = false;

  /** @param settled told once what the leader has said, if it says anything */
  constructor(key: ServiceKey, instanceId: string, settled: (known: boolean) => void) {
    this.slot = slotOfServiceKey(key);
    this.#key = key;
    this.#instanceId = instanceId;
    this.#settled = settled;
  }

  /** Nobody waits for it any more: it is not tried again. */
  cancel(): void {
    this.#isCancelled = true;
  }

  body(): WriteBody | undefined {
    if (this.#isCancelled) return undefined;
    return {
      kind: "renew",
      key: this.#key,
      instanceId: this.#instanceId,
      clientId: "",
      version: { incarnation: 0, counter: 0 },
      instance: NO_BYTES,
      leaseMs: 0,
    };
  }

  settled(_sent: Sent, outcome: FinalOutcome): void {
    this.#settled?.(outcome.kind === "applied");
    this.#settled = undefined;
  }
}

const NO_BYTES = new Uint8Array(0);
