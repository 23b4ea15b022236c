/**
 * How far a follower is with one slot.
 *
 *     asked ----> following            an update came and the digest is the leader's
 *       |  ^          |
 *       |  '----------'                it is not, any more; the two do not agree on everything they have
 *       v
 *     comparing ----> asked            the inventory was looked through, and what was missing has come
 *
 * Whoever asks or compares and hears nothing of it for a while asks again, so any message may be lost.
 */

import {
  sameDigest,
  textFromServiceKey,
  type Digest,
  type IdRange,
  type ServiceDigest,
  type ServiceKey,
  type Version,
} from "@rollcall/core";

/** A leader that says nothing about a slot for so long, in milliseconds, is asked again. */
export const LEADER_SILENCE_MS = 1_000;

/**
 * The same while content is on its way. Longer, because content of several slots takes turns on what may be a slow
 * link, asking again starts it anew, and the leader sees for itself when content that has left does not arrive.
 */
export const CONTENT_SILENCE_MS = 5_000;

export type SlotCopying =
  /** `doubted`: what we hold is not what its version promises, so the leader shall compare and not add to it. */
  | { readonly state: "asked"; readonly at: number; readonly doubted: boolean }
  /** `version` is the inventory's: what is still changing after it comes with the next update. */
  | { readonly state: "comparing"; readonly at: number; readonly version: Version; readonly wanted: WantedServices }
  | { readonly state: "following" };

/** Whether nothing has come for so long that the leader has to be asked again. */
export function waitsInVain(copying: SlotCopying, now: number): boolean {
  if (copying.state === "following") return false;
  return now - copying.at >= (copying.state === "asked" ? LEADER_SILENCE_MS : CONTENT_SILENCE_MS);
}

/** Services whose content has been asked for, and which ranges of them have come, in whatever order. */
export class WantedServices {
  /** For each service, from where to where. */
  readonly #missing: Map<string, Map<string, string>>;

  constructor(keys: readonly ServiceKey[]) {
    this.#missing = new Map(keys.map((key) => [textFromServiceKey(key), new Map<string, string>()]));
  }

  get isEmpty(): boolean {
    return this.#missing.size === 0;
  }

  has(keyText: string): boolean {
    return this.#missing.has(keyText);
  }

  arrived(keyText: string, { after, upTo }: IdRange): void {
    const ranges = this.#missing.get(keyText);
    if (ranges === undefined) return;
    ranges.set(after, upTo);
    if (coverEverything(ranges)) this.#missing.delete(keyText);
  }
}

function coverEverything(ranges: ReadonlyMap<string, string>): boolean {
  let end = ranges.get("");
  while (end !== undefined && end !== "") {
    const next = ranges.get(end);
    // A range ends after its beginning: whoever says otherwise has covered nothing.
    if (next !== undefined && next !== "" && next <= end) return false;
    end = next;
  }
  return end === "";
}

/** Services that are different, or that only one side has anything of. */
export function differingServices(ours: readonly ServiceDigest[], theirs: readonly ServiceDigest[]): ServiceKey[] {
  const unseen = new Map<string, ServiceDigest>(ours.map((service) => [textFromServiceKey(service.key), service]));
  const keys: ServiceKey[] = [];
  for (const { key, digest } of theirs) {
    const keyText = textFromServiceKey(key);
    if (!isSame(unseen.get(keyText)?.digest, digest)) keys.push(key);
    unseen.delete(keyText);
  }
  // Asked for as well, and not just dropped: the leader may have removals of it that are to be remembered.
  for (const { key } of unseen.values()) keys.push(key);
  return keys;
}

function isSame(a: Digest | undefined, b: Digest): boolean {
  return a !== undefined && sameDigest(a, b);
}
