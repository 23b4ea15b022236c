/** The leader of all slots, as small as it can be: what it has of one session, and its side of the comparison. */

import {
  ALL_SLOTS,
  EMPTY_DIGEST,
  digestOfBytes,
  digestOfRegistration,
  isNewerStamp,
  mixDigests,
  sameDigest,
  slotOfServiceKey,
  textFromServiceKey,
  toggleDigest,
  type Digest,
  type Epoch,
  type LinkRequest,
  type LinkResponse,
  type ServiceHoldings,
  type ServiceKey,
  type SlotId,
  type SlotInventory,
  type Write,
  type WriteResult,
} from "@rollcall/core";
import { version } from "./fixture.ts";
import { NOTHING_FROM_DATA } from "./peer-fixture.ts";

interface Claim {
  readonly write: Write;
  readonly digest: Digest;
  removed: boolean;
  presumed: boolean;
}

export class LeaderModel {
  leaderEpoch: Epoch = version(0, 1).epoch;
  readonly #claims = new Map<string, Claim>();
  #lastWrite = 0;

  /** What lives with a connection, as `service/instance client version`. */
  get live(): string[] {
    return [...this.#live()].map(({ write }) => nameOf(write)).toSorted();
  }

  /** Forgets, or concludes the end of, every claim that is chosen. */
  lose(isLost: () => boolean): void {
    for (const [id, claim] of this.#claims) {
      if (!isLost()) continue;
      if (isLost()) this.#claims.delete(id);
      else if (!claim.removed) Object.assign(claim, { removed: true, presumed: true });
    }
  }

  /** Comes to hold what the session has never said. */
  invent(write: Write): void {
    if (!this.#claims.has(idOf(write))) this.#put(write);
  }

  /** A link begins anew. */
  linked(): void {
    this.#lastWrite = 0;
  }

  receive(request: LinkRequest): LinkResponse {
    const results = request.writes.map((write) => this.#write(write));
    const reports = request.reports.filter(({ leaderEpoch }) => leaderEpoch === this.leaderEpoch);
    const agrees = ({ slot, digest }: (typeof reports)[number]) => sameDigest(this.#digestOf(slot), digest);
    for (const holdings of request.holdings) this.#end(holdings);
    return {
      ...NOTHING_FROM_DATA,
      results,
      reported: reports.filter(agrees),
      disagreed: reports.filter((report) => !agrees(report)).map(({ slot, leaderEpoch }) => ({ slot, leaderEpoch })),
      differences: request.inventories
        .filter(({ leaderEpoch }) => leaderEpoch === this.leaderEpoch)
        .map((inventory) => this.#differences(inventory)),
      reportAll: request.registrations !== undefined && !sameDigest(this.#rollUp(), request.registrations.digest),
    };
  }

  #write(write: Write): WriteResult {
    const { sequence } = write;
    this.#lastWrite = Math.max(this.#lastWrite, sequence);
    const epochs = { tableEpoch: this.leaderEpoch, leaderEpoch: this.leaderEpoch };
    if (write.leaderEpoch !== this.leaderEpoch) return { sequence, outcome: { kind: "stale", ...epochs } };
    const known = this.#claims.get(idOf(write));
    const stamp = { version: write.version, removed: write.kind === "unregister" && write.heldBack !== true };
    if (known !== undefined) {
      const knownStamp = { version: known.write.version, removed: known.removed && !known.presumed };
      if (isNewerStamp(knownStamp, stamp))
        return { sequence, outcome: { kind: "superseded", by: known.write.version } };
    }
    this.#put(write);
    return { sequence, outcome: { kind: "applied", version: version(1, this.leaderEpoch) } };
  }

  #put(write: Write): void {
    const digest = digestOfRegistration(textFromServiceKey(write.key), write, digestOfBytes(write.instance));
    this.#claims.set(idOf(write), {
      write,
      digest,
      removed: write.kind === "unregister",
      presumed: write.heldBack === true,
    });
  }

  *#live(): IterableIterator<Claim> {
    for (const claim of this.#claims.values()) if (!claim.removed && claim.write.leaseMs === 0) yield claim;
  }

  #digestOf(slot: SlotId): Digest {
    let digest = EMPTY_DIGEST;
    for (const claim of this.#live())
      if (slotOfServiceKey(claim.write.key) === slot) digest = toggleDigest(digest, claim.digest);
    return digest;
  }

  #rollUp(): Digest {
    return ALL_SLOTS.map((slot) => mixDigests({ high: slot, low: this.leaderEpoch }, this.#digestOf(slot))).reduce(
      toggleDigest,
      EMPTY_DIGEST,
    );
  }

  #differences({ slot, leaderEpoch, services }: SlotInventory) {
    const [here, there] = [new Map<string, Digest>(), new Map<string, Digest>()];
    const keys = new Map<string, ServiceKey>();
    const add = (side: Map<string, Digest>, key: ServiceKey, digest: Digest) => {
      const keyText = textFromServiceKey(key);
      keys.set(keyText, key);
      side.set(keyText, toggleDigest(side.get(keyText) ?? EMPTY_DIGEST, digest));
    };
    for (const { write, digest } of this.#live())
      if (slotOfServiceKey(write.key) === slot) add(here, write.key, digest);
    for (const { key, digest } of services) add(there, key, digest);
    const differing = [...keys].filter(([keyText]) => {
      const [a, b] = [here.get(keyText), there.get(keyText)];
      return a === undefined || b === undefined || !sameDigest(a, b);
    });
    return { slot, leaderEpoch, keys: differing.map(([, key]) => key) };
  }

  #end({ key, leaderEpoch, afterWrite, after, upTo, held }: ServiceHoldings): void {
    if (leaderEpoch !== this.leaderEpoch || this.#lastWrite > afterWrite) return;
    const listed = new Set(held.map(({ instanceId, clientId }) => `${instanceId} ${clientId}`));
    for (const claim of this.#live()) {
      const { instanceId, clientId, key: of } = claim.write;
      const isInRange = instanceId > after && (upTo === "" || instanceId <= upTo);
      if (textFromServiceKey(of) !== textFromServiceKey(key) || !isInRange) continue;
      if (!listed.has(`${instanceId} ${clientId}`)) Object.assign(claim, { removed: true, presumed: true });
    }
  }
}

type Name = Pick<Write, "key" | "instanceId" | "clientId">;

function idOf({ key, instanceId, clientId }: Name): string {
  return `${textFromServiceKey(key)} ${instanceId} ${clientId}`;
}

export function nameOf({ version: at, ...name }: Name & Pick<Write, "version">): string {
  return `${idOf(name)} ${at.incarnation}.${at.counter}`;
}
