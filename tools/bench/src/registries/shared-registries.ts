import type { Registry, RegistryKind } from "./registry.ts";

/** One registry of each kind for all that is asked of it in different ways, until nobody uses it any more. */
export class SharedRegistries {
  readonly #start: (kind: RegistryKind) => Promise<Registry>;
  readonly #started = new Map<RegistryKind, { readonly registry: Promise<Registry>; users: number }>();

  constructor(start: (kind: RegistryKind) => Promise<Registry>) {
    this.#start = start;
  }

  async use(kind: RegistryKind): Promise<Registry> {
    const shared = this.#started.get(kind) ?? { registry: this.#start(kind), users: 0 };
    this.#started.set(kind, shared);
    shared.users++;
    const registry = await shared.registry;
    return {
      ...registry,
      [Symbol.asyncDispose]: async () => {
        if (--shared.users > 0) return;
        this.#started.delete(kind);
        await registry[Symbol.asyncDispose]();
      },
    };
  }
}
