/**
 * The history of a run as its users saw it: what clients asked for, what they were answered, and what subscribers were
 * shown. It is all that the checkers get, so it holds plain values and nothing of the product but versions.
 *
 * An instance is named by its service's text and its id. What it looks like is its `content`, any text that differs
 * when the instance differs, for example its address.
 */

import type { Clock, Version } from "@rollcall/core";

interface OfClient {
  readonly client: string;
}

interface OfInstance extends OfClient {
  readonly service: string;
  readonly instanceId: string;
}

/** The answer to an earlier `register` or `unregister`, by that event's number. */
interface Answer {
  readonly answers: number;
}

interface OfSubscription extends OfClient {
  readonly service: string;
  /** The filter's text: tells a client's subscriptions of one service apart. */
  readonly filter: string;
}

/** Whether a filter takes an instance: an oracle of the test's own, not the product's. */
export type Takes = (instanceId: string, content: string) => boolean;

export type Happening =
  | ({ readonly kind: "register"; readonly content: string } & OfInstance)
  | ({ readonly kind: "registered"; readonly version: Version } & Answer)
  | ({ readonly kind: "unregister" } & OfInstance)
  | ({ readonly kind: "unregistered"; readonly version: Version } & Answer)
  /** Every live subscriber is said to know of an `unregister`, by that event's number. */
  | { readonly kind: "drained"; readonly unregister: number }
  /** A `register` or `unregister` that will never be done. */
  | ({ readonly kind: "refused" } & Answer)
  | ({ readonly kind: "connection lost" } & OfClient)
  | ({ readonly kind: "connection restored" } & OfClient)
  /** An orderly end, which gives up everything the client had. */
  | ({ readonly kind: "client closed" } & OfClient)
  | ({ readonly kind: "client crashed" } & OfClient)
  | ({ readonly kind: "subscribe"; readonly takes: Takes } & OfSubscription)
  | ({ readonly kind: "unsubscribe" } & OfSubscription)
  | ({
      readonly kind: "view";
      readonly version: Version;
      /** Instance id to content. */
      readonly instances: ReadonlyMap<string, string>;
      /** Of them, those that want no traffic. None when that is not looked at. */
      readonly disabled?: ReadonlySet<string> | undefined;
      readonly confirmed: boolean;
    } & OfSubscription)
  /** A client is shown which services there are whose names begin with `prefix`, by their texts. */
  | ({ readonly kind: "services listed"; readonly prefix: string; readonly services: ReadonlySet<string> } & OfClient)
  | { readonly kind: "fault"; readonly what: string }
  | { readonly kind: "faults over" }

  /** Every server has just ended, or been cut off from every client. */
  | { readonly kind: "all servers down" }
  | { readonly kind: "servers back" }
  /** An operator's decision, done: from now on the instance is shown as this, or not at all when there is no content. */
  | {
      readonly kind: "override";
      readonly service: string;
      readonly instanceId: string;
      readonly content: string | undefined;
    }
  /** An operator has disabled an instance, and every node acts by it; or is about to take that back. */
  | { readonly kind: "disabled" | "enabled"; readonly service: string; readonly instanceId: string }
  /** Something that is bounded, and its bound. */
  | { readonly kind: "measured"; readonly what: string; readonly value: number; readonly max: number }
  | WireHappening;

/** What an observer on the network saw between servers and clients. */
type WireHappening =
  /** A client asks for a subscription and says what it holds of it, if it does. */
  | ({ readonly kind: "asked"; readonly link: string; readonly digest: string | undefined } & OfSubscription)
  /** A push came to a client. */
  | ({
      readonly kind: "pushed";
      /** A client on the way from one session to another has two. */
      readonly link: string;
      readonly version: Version;
      /** Of the content that the push leads to. */
      readonly digest: string;
      readonly snapshot: boolean;
      /** Instances it carries, and ids that it takes away. */
      readonly carried: number;
      readonly confirmed: boolean;
      /** The client had just asked: for the subscription, or for a repair. */
      readonly asked: "no" | "subscribed" | "repair";
    } & OfSubscription)
  /** An operator blocks a service, or has done so: its instances may be shown or not until this is taken back. */
  | { readonly kind: "block" | "unblocked"; readonly service: string }
  /** Every node acts by an operator's decision that nothing is pushed, but to these clients. */
  | { readonly kind: "pushes off"; readonly except: readonly string[] }
  /** An operator takes that back. */
  | { readonly kind: "pushes on" }
  /** A node or client does not take what another one has said to it, because it cannot be what it should. */
  | { readonly kind: "misunderstood"; readonly from: string; readonly to: string; readonly why: string }
  /** A write was answered as applied. A node is one life of a process. */
  | { readonly kind: "accepted"; readonly node: string; readonly slot: number; readonly leaderEpoch: number }
  /** A slot table came to a node: leaders and their epochs by slot. */
  | {
      readonly kind: "table";
      readonly epoch: number;
      readonly leaders: readonly (string | undefined)[];
      readonly leaderEpochs: readonly number[];
    };

/** A happening and when it happened, in milliseconds. Its number is its place in the history. */
export type HistoryEvent = Happening & { readonly at: number };

export interface History {
  /** In the order in which they happened. */
  readonly events: readonly HistoryEvent[];
  readonly endedAt: number;
}

export class HistoryRecorder {
  readonly #clock: Pick<Clock, "now">;
  readonly #events: HistoryEvent[] = [];

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** Notes what happens now and gives its number, which an answer names. */
  record(happening: Happening): number {
    return this.#events.push({ ...happening, at: this.#clock.now() }) - 1;
  }

  /** What was recorded until now, as of now. */
  history(): History {
    return { events: [...this.#events], endedAt: this.#clock.now() };
  }
}
