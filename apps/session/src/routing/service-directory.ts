/** Lists of services: asked of every data node that leads a slot, and put together when all of them have answered. */

import {
  EMPTY_SLOT_TABLE,
  RegistryError,
  textFromServiceKey,
  type ServiceSummary,
  type ServicesAnswer,
  type ServicesQuery,
  type SlotTable,
} from "@rollcall/core";

export type ServicesListed = (result: readonly ServiceSummary[] | RegistryError) => void;

interface Listing {
  readonly missing: Set<string>;
  readonly services: ServiceSummary[];
  readonly listed: ServicesListed;
}

export class ServiceDirectory {
  readonly #ask: (nodeId: string, query: ServicesQuery) => void;
  readonly #listings = new Map<number, Listing>();
  #table: SlotTable = EMPTY_SLOT_TABLE;
  #sequence = 0;

  /** @param ask puts a query to a data node */
  constructor(ask: (nodeId: string, query: ServicesQuery) => void) {
    this.#ask = ask;
  }

  adopt(table: SlotTable): void {
    this.#table = table;
  }

  /** Lists a namespace. Gives back what cancels it; `listed` is called at most once. */
  list(namespace: string, listed: ServicesListed): () => void {
    const leaders = new Set(this.#table.owners.map(({ leader }) => leader));
    const missing = new Set([...leaders].filter((leader) => leader !== undefined));
    if (leaders.has(undefined)) {
      listed(new RegistryError("not_ready", "not every slot has a leader yet"));
      return () => {};
    }
    const sequence = ++this.#sequence;
    this.#listings.set(sequence, { missing, services: [], listed });
    for (const nodeId of missing) this.#ask(nodeId, { sequence, namespace });
    return () => this.#listings.delete(sequence);
  }

  answered(nodeId: string, { sequence, services }: ServicesAnswer): void {
    const listing = this.#listings.get(sequence);
    if (listing === undefined || !listing.missing.delete(nodeId)) return;
    for (const service of services) listing.services.push(service);
    if (listing.missing.size > 0) return;
    this.#listings.delete(sequence);
    listing.listed(
      listing.services.toSorted((a, b) => (textFromServiceKey(a.key) < textFromServiceKey(b.key) ? -1 : 1)),
    );
  }

  /** A list without one node's services would be wrong, so whoever still waits for that node is told. */
  lost(nodeId: string): void {
    for (const [sequence, { missing, listed }] of this.#listings) {
      if (!missing.has(nodeId)) continue;
      this.#listings.delete(sequence);
      listed(new RegistryError("unavailable", `the link to data node ${nodeId} was lost`));
    }
  }
}
