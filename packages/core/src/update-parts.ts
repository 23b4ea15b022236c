/**
 * A large update travels in parts, because receivers of other makes take messages of 4 MiB at most, and because one huge
 * message would hold up what is behind it. Every part repeats what the update leads to, all but the last say that there
 * is more, and they follow each other on their link. The receiver keeps them until the last has come and then applies
 * them as the one update they are: nothing is ever shown of half of it, and the digest proves that none is missing.
 */

import type { EncodedInstance, Update } from "./datum.ts";
import { sameDigest, type Digest } from "./digest.ts";
import { limitExceeded } from "./error.ts";
import { compareVersions } from "./version.ts";

/** An update, or a part of one. */
export interface UpdatePart extends Update {
  /** True for all but the last. */
  readonly more?: boolean | undefined;
}

/**
 * Bytes of instances and removed ids in one part. With the longest filter a client can name, 1 MiB, and all that is
 * around them a message stays below the 4 MiB that gRPC's clients take unless told otherwise.
 */
export const PART_BYTES_MAX = 2 * 1024 * 1024;

/** Bytes of all parts of one update that a receiver keeps: a hundred times what a service of 10,000 instances takes. */
export const UPDATE_BYTES_MAX = 256 * 1024 * 1024;

/** The update as it is, if it fits into one part. */
export function partsOfUpdate(update: Update, partBytesMax = PART_BYTES_MAX): readonly UpdatePart[] {
  const parts: { instances: EncodedInstance[]; removedIds: string[] }[] = [{ instances: [], removedIds: [] }];
  let bytes = 0;
  const partFor = (itemBytes: number) => {
    if (bytes > 0 && bytes + itemBytes > partBytesMax) {
      parts.push({ instances: [], removedIds: [] });
      bytes = 0;
    }
    bytes += itemBytes;
    return parts.at(-1)!;
  };
  for (const id of update.removedIds) partFor(bytesOfId(id)).removedIds.push(id);
  for (const instance of update.instances) partFor(bytesOfInstance(instance)).instances.push(instance);
  if (parts.length === 1) return [update];
  return parts.map((part, index) => ({ ...update, ...part, more: index < parts.length - 1 }));
}

/** What has come of one update, until it is whole. One for each datum that somebody receives. */
export class UpdateParts {
  readonly #bytesMax: number;
  #parts: UpdatePart[] = [];
  #bytes = 0;

  constructor(bytesMax = UPDATE_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /**
   * The whole update, once `part` makes it whole. Parts of an update that was given up are forgotten when the next one
   * begins. @throws RegistryError `limit_exceeded`.
   */
  take(part: UpdatePart): Update | undefined {
    const first = this.#parts[0];
    if (first !== undefined && !isOfSameUpdate(first, part)) this.#forget();
    if (part.more !== true && this.#parts.length === 0) return part;
    this.#parts.push(part);
    for (const instance of part.instances) this.#bytes += bytesOfInstance(instance);
    for (const id of part.removedIds) this.#bytes += bytesOfId(id);
    if (this.#bytes > this.#bytesMax) {
      const bytes = this.#bytes;
      this.#forget();
      throw limitExceeded("an update in parts", `${this.#bytesMax} bytes`, bytes);
    }
    if (part.more === true) return undefined;
    const parts = this.#parts;
    this.#forget();
    return {
      ...part,
      instances: parts.flatMap(({ instances }) => instances),
      removedIds: parts.flatMap(({ removedIds }) => removedIds),
    };
  }

  #forget(): void {
    this.#parts = [];
    this.#bytes = 0;
  }
}

/** Tag and length of a field in front of the bytes of an item, at most. */
const FIELD_BYTES = 5;

function bytesOfInstance({ bytes }: EncodedInstance): number {
  return bytes.length + FIELD_BYTES;
}

/** An id is ASCII where it is checked; elsewhere this is too little by a factor that the room above covers. */
function bytesOfId(id: string): number {
  return id.length + FIELD_BYTES;
}

function isOfSameUpdate(a: Update, b: Update): boolean {
  return (
    compareVersions(a.version, b.version) === 0 &&
    sameDigest(a.digest, b.digest) &&
    sameBase(a.baseDigest, b.baseDigest)
  );
}

function sameBase(a: Digest | undefined, b: Digest | undefined): boolean {
  return a === undefined || b === undefined ? a === b : sameDigest(a, b);
}
