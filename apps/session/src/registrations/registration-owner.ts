/** Whoever registrations live with, a connection, and what it has. The store alone adds and takes out. */

import { EMPTY_DIGEST, toggleDigest, type Digest } from "@rollcall/core";

import { RegistrationList } from "./registration-list.ts";
import type { Registration, RegistrationIdentity } from "./registration.ts";
import { digestOf } from "./slot-digests.ts";

export class RegistrationOwner extends RegistrationList<Registration> {
  constructor() {
    super("placeWithOwner");
  }

  /** What it has, without what it has removed. */
  identities(): RegistrationIdentity[] {
    return this.items.filter(({ removed }) => !removed);
  }

  /** Over the same. */
  digest(): Digest {
    let digest = EMPTY_DIGEST;
    for (const registration of this.items)
      if (registration.isOfConnection) digest = toggleDigest(digest, registration.digest ?? digestOf(registration));
    return digest;
  }
}
