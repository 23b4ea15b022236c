// For the tests of programs that use the client.

import { createMemoryRegistryWith, type MemoryRegistry } from "./memory-registry.ts";
import { everything, memoryClock, numbered } from "./ports.ts";

/**
 * A registry in memory, for unit tests: no sockets, no servers, nothing to wait for. Close it when the test is over, or
 * write `await using`.
 */
export function createMemoryRegistry(): MemoryRegistry {
  return createMemoryRegistryWith({ clock: memoryClock, random: numbered(), everything });
}

export type { MemoryClientOptions, MemoryRegistry } from "./memory-registry.ts";
export type { MemoryRequest, Refusal } from "./memory-session.ts";
export { RegistryError } from "../index.ts";
