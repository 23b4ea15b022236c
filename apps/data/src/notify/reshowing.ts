/** Shows instances anew when they are to look otherwise though their providers have said nothing, and tells of it. */

import type { DatumStore } from "../datums/datum-store.ts";
import type { RegisteredService } from "../datums/registered-service.ts";
import type { SlotOwnership } from "../slots/ownership.ts";
import type { Announcer } from "./announcer.ts";

/** An instance of a service that there is here. */
export interface InstanceHere {
  readonly service: RegisteredService;
  readonly instanceId: string;
}

export class Reshowing {
  readonly #datums: DatumStore;
  readonly #ownership: SlotOwnership;
  readonly #announcer: Announcer;

  constructor(datums: DatumStore, ownership: SlotOwnership, announcer: Announcer) {
    this.#datums = datums;
    this.#ownership = ownership;
    this.#announcer = announcer;
  }

  /** Only the leader of a slot makes versions and tells of them; a follower has it ready for when it leads. */
  show(instances: Iterable<InstanceHere>, why: string): void {
    for (const { service, instanceId } of instances) {
      const leads = this.#ownership.leads(service.slot);
      const version = this.#datums.open(service.slot).version;
      if (service.reshow(instanceId, { leads, version }) && leads) this.#announcer.reshown(service, instanceId, why);
    }
  }
}
