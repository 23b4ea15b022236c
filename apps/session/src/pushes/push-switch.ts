/**
 * Whether an operator has stopped pushes, and for whom. A subscription that is held is not pushed, whatever changes and
 * whatever it asked for; what it has missed by then goes out as one push when the switch is opened. Everything else goes
 * on: registrations are taken, and this session's copies are kept true, so that opening needs nobody else.
 */

import { type ControlRecord, type PushOff, RegistryError, hostOfPeer, nameOfClient } from "@rollcall/core";

/** Who would be pushed. */
export interface PushReceiver {
  /** Empty for one that has no id: a plain call, or a watch without a hello. */
  readonly clientId: string;
  /** Where it comes from, `host:port`. */
  readonly address: string;
}

/** What would be pushed: a view of a service, or of a list of services. */
export interface Pushed {
  readonly datum: { readonly key: { readonly namespace: string } };
  readonly filter: { readonly zone: string };
}

export type PushOffRecord = ControlRecord<PushOff>;

export class PushSwitch {
  #off: readonly PushOffRecord[] = [];

  /** Takes on what is decided, in place of what was before. */
  adopt(off: readonly PushOffRecord[]): void {
    this.#off = off;
  }

  /** How many decisions stop pushes. */
  get size(): number {
    return this.#off.length;
  }

  /** False while pushes are stopped for anybody. */
  get isOpen(): boolean {
    return this.#off.length === 0;
  }

  /** The decision by which this is not pushed; undefined when it may be. */
  holds(pushed: Pushed, receiver: PushReceiver): PushOffRecord | undefined {
    // Every push comes by here, and nearly always there is nothing to look at.
    if (this.#off.length === 0) return undefined;
    return this.#off.find(({ control }) => concerns(control, pushed) && !isExcepted(control, receiver));
  }

  /** Sentences for whoever looks at the node. */
  notices(): string[] {
    return this.#off.map(({ control, author, reason }) => {
      const { exceptClients } = control;
      const except = exceptClients.length === 0 ? "" : `, except to ${exceptClients.length} named clients`;
      return `pushes ${scopeInWords(control)} are off${except}, decided by ${author}${reason === "" ? "" : `: ${reason}`}`;
    });
  }
}

/** What a caller is told who asks for a list that he may not be shown. */
export function pushIsOff({ control, author, reason }: PushOffRecord): RegistryError {
  const why = reason === "" ? "" : `: ${reason}`;
  return new RegistryError("blocked", `pushes ${scopeInWords(control)} are off, decided by ${author}${why}`);
}

function concerns({ scope }: PushOff, { datum, filter }: Pushed): boolean {
  switch (scope.kind) {
    case "cluster":
      return true;
    case "namespace":
      return datum.key.namespace === scope.namespace;
    case "zone":
      return filter.zone === scope.zone;
  }
}

function isExcepted({ exceptClients }: PushOff, { clientId, address }: PushReceiver): boolean {
  return exceptClients.some(
    (client) =>
      (clientId !== "" && (client === clientId || client === nameOfClient(clientId))) || client === hostOfPeer(address),
  );
}

function scopeInWords({ scope }: PushOff): string {
  switch (scope.kind) {
    case "cluster":
      return "to everybody";
    case "namespace":
      return `of namespace ${scope.namespace}`;
    case "zone":
      return `to zone ${scope.zone}`;
  }
}
