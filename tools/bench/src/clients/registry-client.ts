/**
 * A client of a registry, of whichever make, with a connection of its own. Each is the package of npm that users of that
 * registry have, and does no more than they would have to.
 */

import type { Change } from "./bench-instance.ts";

export interface RegistryClient {
  /** Registers an instance for as long as this client lives. Resolves when the registry has acknowledged it. */
  register(service: string, id: string): Promise<void>;
  /** Several at a time, by whatever the registry has for that. */
  registerAll(entries: readonly Entry[]): Promise<void>;
  /** Follows who is registered. Resolves when the registry knows of it. */
  watch(service: string, watcher: Watcher): Promise<void>;
  /** Registers an instance, or changes the one that this client has registered. */
  publish(service: string, id: string, change: Change): Promise<void>;
  /** Is told of each change of one instance. Resolves when the registry knows of it. */
  follow(service: string, id: string, changed: (change: Change) => void): Promise<void>;
  /** How often its connection was lost so far. */
  losses(): number;
  /** The ways to read once who is registered, and with what, by name. Each gives how many instances there are. */
  readonly reads: Readonly<Record<string, (service: string) => Promise<number>>>;
  /** Resolves when it has left: nothing that it registered is listed any more. */
  close(): Promise<void>;
}

export interface Entry {
  readonly service: string;
  readonly id: string;
}

export interface Watcher {
  appeared(id: string): void;
  disappeared(id: string): void;
  /** It was told of nothing that it had not been told of before. */
  unchanged(): void;
}
