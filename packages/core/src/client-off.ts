/**
 * What an operator decides about clients: that what they register is in no list, that they are pushed nothing, or both,
 * until it is taken back. Clients are told apart by their address as session nodes see it, or by their id or name.
 */

import { addressRangeFromText, isInRange, numberFromAddress, type AddressRange } from "./address-range.ts";
import { hostOfPeer, nameOfClient } from "./client-name.ts";
import { RegistryError, invalidField } from "./error.ts";
import { LIMITS } from "./limits.ts";

export interface ClientOff {
  readonly kind: "client off";
  readonly clients: ClientsOff;
  /** What they register is held back. */
  readonly register: boolean;
  /** What they are subscribed to is held back. */
  readonly subscribe: boolean;
}

/** `10.0.0.7`, `10.0.0.0/8`; or the id of a client, or its name: what comes before the last `~` of the id. */
export type ClientsOff =
  | { readonly kind: "address"; readonly range: string }
  | { readonly kind: "name"; readonly name: string };

/** As a session knows it. */
export interface ClientIdentity {
  /** Empty for calls without a connection. */
  readonly clientId: string;
  /** Where it comes from, `host:port`; what is no IP address is in no range. */
  readonly address: string;
}

/** What is switched off of a client: what it registers, what it is subscribed to. */
export interface SwitchedOff {
  readonly register: boolean;
  readonly subscribe: boolean;
}

export const NOTHING_OFF: SwitchedOff = { register: false, subscribe: false };

/** Names what it is about, so that there is one decision about it. */
export function clientOffId({ clients }: Pick<ClientOff, "clients">): string {
  return clients.kind === "address" ? `client/address/${clients.range}` : `client/name/${clients.name}`;
}

/** @throws RegistryError `invalid_field`: that cannot be decided. */
export function checkClientOff({ clients, register, subscribe }: ClientOff): void {
  if (clients.kind === "address" && addressRangeFromText(clients.range) === undefined)
    throw invalidField("client_off.address", `an IP address, or a range such as "10.0.0.0/8"`, clients.range);
  if (clients.kind === "name" && (clients.name === "" || clients.name.length > LIMITS.clientIdLength))
    throw invalidField("client_off.name", `1 to ${LIMITS.clientIdLength} characters`, clients.name);
  if (!register && !subscribe) throw invalidField("client_off", "about registering, subscribing or both", "neither");
}

/** All that is decided about clients, made ready for finding what concerns one of them. */
export class ClientSwitches {
  readonly #ranges: readonly { readonly range: AddressRange; readonly off: ClientOff }[];
  readonly #names: ReadonlyMap<string, ClientOff>;

  constructor(decided: readonly ClientOff[]) {
    this.#ranges = decided.flatMap((off) => {
      const range = off.clients.kind === "address" ? addressRangeFromText(off.clients.range) : undefined;
      return range === undefined ? [] : [{ range, off }];
    });
    this.#names = new Map(
      decided.flatMap((off) => (off.clients.kind === "name" ? [[off.clients.name, off] as const] : [])),
    );
  }

  get size(): number {
    return this.#ranges.length + this.#names.size;
  }

  /** What is switched off by any of the decisions about it. */
  of({ clientId, address }: ClientIdentity): SwitchedOff {
    if (this.size === 0) return NOTHING_OFF;
    const number = numberFromAddress(hostOfPeer(address));
    const offs = [
      this.#names.get(clientId),
      this.#names.get(nameOfClient(clientId)),
      ...this.#ranges.filter(({ range }) => number !== undefined && isInRange(number, range)).map(({ off }) => off),
    ];
    return {
      register: offs.some((off) => off?.register === true),
      subscribe: offs.some((off) => off?.subscribe === true),
    };
  }
}

/** What a caller is told who cannot wait until it is switched on again. */
export function switchedOffError(what: keyof SwitchedOff, address: string): RegistryError {
  const doing = what === "register" ? "register" : "look services up";
  return new RegistryError("blocked", `an operator has switched off that clients at ${hostOfPeer(address)} ${doing}`);
}
