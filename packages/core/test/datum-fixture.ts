import * as fc from "fast-check";
import { Datum, type EncodedInstance } from "../src/datum.ts";
import { digestOfBytes, EMPTY_DIGEST, toggleDigest, type Digest } from "../src/digest.ts";
import { serviceKey } from "../src/service-key.ts";
import { epoch, type Version } from "../src/version.ts";

const utf8 = new TextEncoder();
const text = new TextDecoder();

export const KEY = serviceKey({ service: "orders" });

export const version = (counter: number, leaderEpoch = 1): Version => ({ epoch: epoch(leaderEpoch), counter });

/** An instance whose bytes hold its id, as those of every real one do. */
export function instance(id: string, content = ""): EncodedInstance {
  return { id, bytes: utf8.encode(`${id}=${content}`) };
}

/** A datum that holds `ids`, each put at its own version from 1 on. */
export function datumOf(...ids: string[]): Datum {
  const datum = new Datum(KEY, version(0));
  for (const [index, id] of ids.entries()) datum.put(instance(id), version(index + 1));
  return datum;
}

export function contentOf(datum: Datum): Record<string, string> {
  return Object.fromEntries([...datum.instances()].map(({ id, bytes }) => [id, text.decode(bytes)]));
}

/** The digest as it is defined, computed anew. */
export function digestFromScratch(datum: Datum): Digest {
  return [...datum.instances()].map(({ bytes }) => digestOfBytes(bytes)).reduce(toggleDigest, EMPTY_DIGEST);
}

export interface Change {
  readonly id: string;
  /** Undefined takes the instance out. */
  readonly content: string | undefined;
}

/** Changes of few instances with few contents, so that they are often repeated and undone. */
export const changes: fc.Arbitrary<Change> = fc.record({
  id: fc.constantFrom("a", "b", "c", "d", "e", "f"),
  content: fc.option(fc.constantFrom("1", "2", "3"), { nil: undefined }),
});

export function change(datum: Datum, { id, content }: Change, at: Version): boolean {
  return content === undefined ? datum.remove(id, at) : datum.put(instance(id, content), at);
}
