/**
 * Sees every frame just before it is taken in, and notes in the history what users cannot know: what was pushed to
 * clients, which node applied which write, and which slot tables went round.
 */

import {
  formatDigest,
  slotOfServiceKey,
  textFromFilter,
  textFromServiceKey,
  type Filter,
  type ServiceKey,
  type SlotTable,
  type Update,
} from "@rollcall/core";
import {
  CONNECT_PATH,
  JOIN_PATH,
  LINK_PATH,
  clientMessageFromBytes,
  joinResponseFromBytes,
  linkRequestFromBytes,
  linkResponseFromBytes,
  serverMessageFromBytes,
} from "@rollcall/protocol";
import type { CarriedFrame, HistoryRecorder, Refusal } from "@rollcall/testing";

/** A link from a session to a data node. */
interface SeenLink {
  /** The life of the data node at its end. */
  readonly node: string;
  /** Slots of writes that have no answer yet, by sequence. */
  readonly slots: Map<number, number>;
}

export class Observer {
  readonly #history: HistoryRecorder;
  readonly #lifeAt: (address: string) => string;
  readonly #links = new Map<string, SeenLink>();
  readonly #asked = new Map<string, "subscribed" | "repair">();
  readonly #tables = new Map<string, SlotTable>();

  /** @param lifeAt the name of the process that runs at an address now */
  constructor(history: HistoryRecorder, lifeAt: (address: string) => string) {
    this.#history = history;
    this.#lifeAt = lifeAt;
  }

  saw(frame: CarriedFrame): void {
    switch (`${frame.direction} ${frame.method}`) {
      case `request ${CONNECT_PATH}`:
        return this.#sawClient(frame);
      case `response ${CONNECT_PATH}`:
        return this.#sawPushes(frame);
      case `request ${LINK_PATH}`:
        return this.#sawWrites(frame);
      case `response ${LINK_PATH}`:
        return this.#sawResults(frame);
      case `response ${JOIN_PATH}`:
        return this.#sawTable(frame);
    }
  }

  sawRefusal({ from, to, error }: Refusal): void {
    if (error.reason === "protocol_violation")
      this.#history.record({ kind: "misunderstood", from, to, why: error.message });
  }

  #sawClient({ link, from: client, message }: CarriedFrame): void {
    const { subscribes, receipts } = clientMessageFromBytes(message);
    for (const { key, filter, held } of subscribes) {
      this.#asked.set(nameOf(link, key, filter), "subscribed");
      const of = { client, service: textFromServiceKey(key), filter: textFromFilter(filter) };
      this.#history.record({ kind: "asked", link, ...of, digest: held && formatDigest(held.digest) });
    }
    for (const { key, filter, resync } of receipts) if (resync) this.#asked.set(nameOf(link, key, filter), "repair");
  }

  #sawPushes({ link, to: client, message }: CarriedFrame): void {
    for (const push of serverMessageFromBytes(message).pushes) this.#sawPush(link, client, push);
  }

  #sawPush(
    link: string,
    client: string,
    { key, filter, version, digest, baseDigest, instances, removedIds, confirmed }: Update,
  ): void {
    const name = nameOf(link, key, filter);
    this.#history.record({
      kind: "pushed",
      link,
      client,
      service: textFromServiceKey(key),
      filter: textFromFilter(filter),
      version,
      digest: formatDigest(digest),
      snapshot: baseDigest === undefined,
      carried: instances.length + removedIds.length,
      confirmed,
      asked: this.#asked.get(name) ?? "no",
    });
    this.#asked.delete(name);
  }

  #sawWrites({ link, to, message }: CarriedFrame): void {
    let seen = this.#links.get(link);
    if (seen === undefined) {
      seen = { node: this.#lifeAt(to), slots: new Map() };
      this.#links.set(link, seen);
    }
    for (const { sequence, key } of linkRequestFromBytes(message).writes) {
      seen.slots.set(sequence, slotOfServiceKey(key));
    }
  }

  #sawResults({ link, message }: CarriedFrame): void {
    const seen = this.#links.get(link);
    if (seen === undefined) return;
    for (const { sequence, outcome } of linkResponseFromBytes(message).results) {
      const slot = seen.slots.get(sequence);
      if (slot === undefined || outcome.kind !== "applied") continue;
      this.#history.record({ kind: "accepted", node: seen.node, slot, leaderEpoch: outcome.version.epoch });
    }
  }

  #sawTable({ message }: CarriedFrame): void {
    const table = joinResponseFromBytes(message).state?.table;
    if (table === undefined) return;
    const leaders = table.owners.map(({ leader }) => leader);
    const leaderEpochs = table.owners.map(({ leaderEpoch }) => Number(leaderEpoch));
    // Every node is told: one of each kind is enough.
    const text = `${table.epoch} ${leaders.join()} ${leaderEpochs.join()}`;
    if (this.#tables.has(text)) return;
    this.#tables.set(text, table);
    this.#history.record({ kind: "table", epoch: table.epoch, leaders, leaderEpochs });
  }
}

function nameOf(link: string, key: ServiceKey, filter: Filter): string {
  return `${link} ${textFromServiceKey(key)} ${textFromFilter(filter)}`;
}
