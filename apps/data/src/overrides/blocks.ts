/**
 * Services and namespaces that operators have blocked. Claims in them are kept, copied and compared like all others, only
 * nothing of them is shown: what consumers see is an empty list that the leader vouches for. So it takes nothing but the
 * end of the block for everybody to be there again.
 */

import {
  textFromServiceKey,
  type ControlRecord,
  type NamespaceBlock,
  type ServiceBlock,
  type StoredInstance,
} from "@rollcall/core";

import type { Claim } from "../datums/claim.ts";
import type { DatumStore } from "../datums/datum-store.ts";
import type { RegisteredService, Showing } from "../datums/registered-service.ts";
import type { InstanceHere } from "../notify/reshowing.ts";

export type BlockRecord = ControlRecord<NamespaceBlock> | ControlRecord<ServiceBlock>;

/** What is blocked now and was not before, or the other way round. */
export interface BlocksChanged {
  readonly namespaces: ReadonlySet<string>;
  /** Texts of their keys. */
  readonly services: ReadonlySet<string>;
}

/** Blocks that are told of one by one; there may be very many. */
const NOTICES_MAX = 10;

export class Blocks implements Showing {
  readonly #beneath: Showing;
  #records: readonly BlockRecord[] = [];
  #namespaces: ReadonlySet<string> = new Set();
  #services: ReadonlySet<string> = new Set();

  /** @param beneath how claims are shown that are not blocked */
  constructor(beneath: Showing) {
    this.#beneath = beneath;
  }

  get size(): number {
    return this.#records.length;
  }

  /** Takes on all that is decided now, in place of what was before. Gives what that may change. */
  adopt(records: readonly BlockRecord[]): BlocksChanged {
    const namespaces = new Set<string>();
    const services = new Set<string>();
    for (const { control } of records) {
      if (control.kind === "namespace block") namespaces.add(control.namespace);
      else services.add(textFromServiceKey(control.key));
    }
    const changed = {
      namespaces: inOneOnly(namespaces, this.#namespaces),
      services: inOneOnly(services, this.#services),
    };
    this.#records = records;
    this.#namespaces = namespaces;
    this.#services = services;
    return changed;
  }

  of(claim: Claim): StoredInstance | undefined {
    if (this.#records.length > 0 && this.#isBlocked(claim.service)) return undefined;
    return this.#beneath.of(claim);
  }

  /** The instances here that are affected. None may change until all are known. */
  affectedIn(datums: DatumStore, { namespaces, services }: BlocksChanged): InstanceHere[] {
    if (namespaces.size + services.size === 0) return [];
    const here: InstanceHere[] = [];
    for (const content of datums.slots())
      for (const service of content.services())
        if (namespaces.has(service.key.namespace) || services.has(service.keyText))
          for (const { instanceId } of service.claims()) here.push({ service, instanceId });
    return here;
  }

  /** Sentences for whoever looks at the node. */
  notices(): string[] {
    const more = this.#records.length - NOTICES_MAX;
    return [
      ...this.#records.slice(0, NOTICES_MAX).map(inWords),
      ...(more > 0 ? [`${more} more namespaces and services are blocked`] : []),
    ];
  }

  #isBlocked({ key, keyText }: RegisteredService): boolean {
    return this.#namespaces.has(key.namespace) || this.#services.has(keyText);
  }
}

function inOneOnly(a: ReadonlySet<string>, b: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...a, ...b].filter((each) => a.has(each) !== b.has(each)));
}

function inWords({ control, author, reason }: BlockRecord): string {
  const what =
    control.kind === "namespace block"
      ? `namespace ${control.namespace}`
      : `service ${textFromServiceKey(control.key)}`;
  return `${what} is blocked, decided by ${author}${reason === "" ? "" : `: ${reason}`}`;
}
