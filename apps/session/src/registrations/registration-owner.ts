/** Whoever registrations live with, a connection, and what it has. The store alone adds and takes out. */

import { EMPTY_DIGEST, toggleDigest, type Digest } from "@rollcall/core";

import { RegistrationList } from "./registration-list.ts";
import type { Registration, RegistrationIdentity } from "./registration.ts";
import { digestOf } from "./slot-digests.ts";

export class RegistrationOwner {
  readonly #list = new RegistrationList<Registration>("placeWithOwner");

  get size(): number {
    return this.#list.items.length;
  }

  get registrations(): readonly Registration[] {
    return this.#list.items;
  }

  /** What it has, without what it has removed. */
  identities(): RegistrationIdentity[] {
    return this.#list.items.filter(({ removed }) => !removed);
  }

  /** Over the same. */
  digest(): Digest {
    let digest = EMPTY_DIGEST;
    for (const registration of this.#list.items)
      if (registration.isOfConnection) digest = toggleDigest(digest, registration.digest ?? digestOf(registration));
    return digest;
  }

  add(registration: Registration): void {
    this.#list.add(registration);
  }

  remove(registration: Registration): void {
    this.#list.remove(registration);
  }
}
