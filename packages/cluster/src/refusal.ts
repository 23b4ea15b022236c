/**
 * What to make of a meta that will not have this node. One that does not fit will not fit later. A node that is a member
 * goes on all the same when it is a meta of another cluster that says so, for its own may be back; but not when its place
 * has been taken by a process that was started later. A new node waits for its name: whoever has it may be gone, and is
 * found out when its lease has ended.
 */

import type { RegistryError } from "@rollcall/core";

/** How long a new node waits for its name, in milliseconds: longer than any node lease that makes sense. */
export const NAME_TAKEN_MS = 10_000;

export class Refusal {
  #present: { readonly error: RegistryError; readonly since: number } | undefined;

  /** What meta says, while it refuses the node. */
  get why(): string | undefined {
    return this.#present?.error.message;
  }

  /** A meta has answered. */
  clear(): void {
    this.#present = undefined;
  }

  /** What follows from an error with which meta has ended the link: nothing, unless it is the node that is wrong. */
  heard(error: RegistryError, { isMember, now }: { readonly isMember: boolean; readonly now: number }) {
    if (error.reason !== "invalid_field" && error.reason !== "conflict") return undefined;
    const isNews = this.why !== error.message;
    if (isNews) this.#present = { error, since: now };
    const waited = now - this.#present!.since;
    const isForGood = error.reason === "conflict" ? isMember || waited >= NAME_TAKEN_MS : !isMember;
    return { isNews, isForGood };
  }
}
