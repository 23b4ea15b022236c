/**
 * What a connection has: which links, in which state, and whose turn it is. `connection.ts` draws how they follow each
 * other.
 */

import { unreachable, type ServerHello, type Timer } from "@rollcall/core";

import type { ClientLink } from "./link.ts";

export interface Link {
  readonly end: ClientLink;
  readonly server: string;
  readonly incarnation: number;
}

/** A link whose server has said hello. */
export interface OpenLink {
  readonly link: Link;
  readonly hello: ServerHello;
  /** Clock time in milliseconds. */
  readonly openedAt: number;
}

export type LinkState =
  | { readonly kind: "idle" }
  | { readonly kind: "dialing"; readonly link: Link; readonly timer: Timer }
  | ({ readonly kind: "open" } & OpenLink)
  | ({ readonly kind: "asked"; readonly timer: Timer } & OpenLink)
  | ({ readonly kind: "trying"; readonly next: Link; readonly timer: Timer } & OpenLink)
  | ({ readonly kind: "moving"; readonly leaving: OpenLink; readonly timer: Timer } & OpenLink)
  | { readonly kind: "waiting"; readonly timer: Timer }
  | { readonly kind: "closed" };

/** The present link, over which all goes. */
export function linkOf(state: LinkState): Link | undefined {
  return "link" in state ? state.link : undefined;
}

/** All links there are. */
export function linksOf(state: LinkState): readonly Link[] {
  switch (state.kind) {
    case "idle":
    case "waiting":
    case "closed":
      return [];
    case "dialing":
    case "open":
    case "asked":
      return [state.link];
    case "trying":
      return [state.link, state.next];
    case "moving":
      return [state.link, state.leaving.link];
    default:
      return unreachable(state);
  }
}

/** Whether it is one of {@link linksOf}. */
export function hasLink(state: LinkState, link: Link): boolean {
  // Nearly always, and then without a list.
  return linkOf(state) === link || linksOf(state).includes(link);
}

export function openOf({ link, hello, openedAt }: OpenLink): OpenLink {
  return { link, hello, openedAt };
}
