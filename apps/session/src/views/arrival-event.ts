import type { Happening, ServiceEventKind, Update } from "@rollcall/core";

import type { TakeOutcome } from "./service-copy.ts";

/**
 * What an operator is told of an update that came to this session and what was made of it: nothing, of one that was no
 * news in any way.
 */
export function arrivalEvent(
  { version, confirmed }: Pick<Update, "version" | "confirmed">,
  outcome: TakeOutcome,
  size: number,
  via: string,
): (Happening & { readonly kind: ServiceEventKind }) | undefined {
  switch (outcome) {
    case "applied":
      if (confirmed) return { kind: "came", version, via };
      if (size > 0) return { kind: "came", version, via, why: "nobody vouches for it yet" };
      return { kind: "heldBack", version, via, why: "it is empty, and nobody vouches for it" };
    case "adopted":
      return { kind: "came", version, via, why: "the list is what it was" };
    case "mismatch":
      return { kind: "heldBack", version, via, why: "it does not lead where it says; the whole list was asked for" };
    case "unfit":
      return { kind: "heldBack", version, via, why: "nobody vouches for it, and what is shown is confirmed" };
    case "older":
      return undefined;
  }
}
