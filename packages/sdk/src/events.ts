/** What a client tells about itself, to whoever wants to hear it. */

import { RegistryError, type Filter, type Log, type ServiceKey, type SwitchedOff, type Version } from "@rollcall/core";

import type { HeldBackBecause } from "./held-back.ts";
import type { CopyProblem } from "./kept/keeper.ts";

export interface ClientEvents {
  /** A server has answered; everything that is wanted is on its way to it. */
  readonly connected: { readonly server: string; readonly nodeId: string; readonly clusterId: string };
  /** The link that was up is lost; views stay as they are and the client looks for another server. */
  readonly disconnected: { readonly server: string; readonly error: RegistryError };
  /** No link; the next dial is in `pauseMs` milliseconds. `failures` counts the dials that have failed in a row. */
  readonly retrying: { readonly failures: number; readonly pauseMs: number; readonly error: RegistryError };
  /** An older list goes on being shown, of this version, because the registry vouches for nothing newer. */
  readonly heldBack: HeldBackEvent;
  /** That has gone on for longer than the option `heldBackMaxMs`: the list stays, and is not confirmed any more. */
  readonly heldTooLong: HeldBackEvent;
  /** A list could not be kept where the next life of the program would find it, or what was found there is of no use. */
  readonly cacheFailed: CopyProblem;
  /**
   * A push has made a new view; callbacks are called next. For measuring: `ageMs` as in the view, and whether it told all
   * or only what had changed.
   */
  readonly pushed: {
    readonly service: ServiceKey;
    readonly filter: Filter;
    readonly version: Version;
    readonly ageMs: number | undefined;
    readonly isDelta: boolean;
  };
  /**
   * An operator has switched off what this client registers, or what it is subscribed to, or on again. Nothing is lost:
   * what is registered meanwhile is applied, and lists are brought up to date, when it is switched on.
   */
  readonly switchedOff: SwitchedOff;
  /** Something went wrong that nobody may be waiting for: a callback threw, a registration or subscription was refused. */
  readonly error: { readonly error: RegistryError; readonly during: string };
  /** `close` is done. */
  readonly closed: Record<string, never>;
}

export interface HeldBackEvent {
  readonly service: ServiceKey;
  readonly filter: Filter;
  readonly because: HeldBackBecause;
  /** Of the list that is shown; undefined when none was ever. */
  readonly version: Version | undefined;
}

export type EventName = keyof ClientEvents;

/** Reports what has no caller that could be told. */
export type Report = (error: unknown, during: string) => void;

type Listeners = { readonly [Name in EventName]: Set<(event: ClientEvents[Name]) => unknown> };

/** Calls foreign code, synchronous or not: what it throws or rejects with goes to `failed` and nowhere else. */
export function callGuarded(call: () => unknown, failed: (error: unknown) => void): void {
  try {
    const result = call();
    if (result instanceof Promise) result.catch(failed);
  } catch (thrown) {
    failed(thrown);
  }
}

export class EventHub {
  readonly #log: Log;
  readonly #listeners: Listeners = {
    connected: new Set(),
    disconnected: new Set(),
    retrying: new Set(),
    heldBack: new Set(),
    cacheFailed: new Set(),
    pushed: new Set(),
    heldTooLong: new Set(),
    switchedOff: new Set(),
    error: new Set(),
    closed: new Set(),
  };

  constructor(log: Log) {
    this.#log = log;
  }

  /** Calls `listener` at every such event until the returned function is called. */
  on<Name extends EventName>(name: Name, listener: (event: ClientEvents[Name]) => unknown): () => void {
    const listeners = this.#listeners[name];
    // Each call listens by itself, even with a function that listens already.
    const own = (event: ClientEvents[Name]): unknown => listener(event);
    listeners.add(own);
    return () => void listeners.delete(own);
  }

  emit<Name extends EventName>(name: Name, event: ClientEvents[Name]): void {
    const listeners = this.#listeners[name];
    if (listeners.size === 0) return;
    for (const listener of Array.from(listeners)) {
      // Only logged: an event about a listener of events could go on for ever.
      callGuarded(
        () => listener(event),
        (error) => this.#log.error("a listener failed", { event: name, error }),
      );
    }
  }

  readonly report: Report = (thrown, during) => {
    const error = RegistryError.fromUnknown(thrown);
    this.#log.error(during, { error });
    this.emit("error", { error, during });
  };
}
