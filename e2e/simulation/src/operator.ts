/**
 * An operator who switches pushes off and on and blocks services, one thing at a time and each for a while, and takes
 * everything back in the end. What does not come about, because no meta leads, he tries again.
 */

import { controlId, serviceKey, textFromServiceKey, type Control } from "@rollcall/core";
import type { SeededRandom } from "@rollcall/testing";

import type { Decide, World } from "./world.ts";

/** How long a decision stands, in milliseconds, from when every node acts by it. */
const STANDS_MS = [200, 4_000] as const;

const PAUSE_MS = [200, 3_000] as const;
const TRY_AGAIN_MS = 250;

export class Operator {
  readonly #services: readonly string[];
  readonly #world: World;
  readonly #decide: Decide;
  #goesOn = true;
  #ended: Promise<void> = Promise.resolve();

  /** @param services those that he blocks now and then */
  constructor(services: readonly string[], world: World, decide: Decide) {
    this.#services = services;
    this.#world = world;
    this.#decide = decide;
  }

  begin(): void {
    this.#ended = this.#work(this.#world.random.fork("operator"));
  }

  /** Resolves when nothing is decided any more. */
  end(): Promise<void> {
    this.#goesOn = false;
    return this.#ended;
  }

  async #work(random: SeededRandom): Promise<void> {
    for (let number = 1; this.#goesOn; number++) {
      const own = random.fork(`decision ${number}`);
      await this.#world.elapse(own.between(...PAUSE_MS));
      if (this.#goesOn && this.#world.leavesOut?.(`decision ${number}`) !== true) await this.#standFor(own);
    }
  }

  async #standFor(random: SeededRandom): Promise<void> {
    if (random.chance(0.5)) await this.#block(random.pick(this.#services), random);
    else await this.#stopPushes(random);
  }

  async #block(service: string, random: SeededRandom): Promise<void> {
    const { history } = this.#world;
    const key = serviceKey({ service });
    const control: Control = { kind: "service block", key };
    history.record({ kind: "block", service: textFromServiceKey(key) });
    await this.#insist(() => this.#decide.set(control));
    await this.#world.elapse(random.between(...STANDS_MS));
    await this.#insist(() => this.#decide.remove(controlId(control)));
    history.record({ kind: "unblocked", service: textFromServiceKey(key) });
  }

  async #stopPushes(random: SeededRandom): Promise<void> {
    const { history } = this.#world;
    const except = random.chance(0.5) ? ["subscriber-1"] : [];
    const control: Control = { kind: "push off", scope: { kind: "cluster" }, exceptClients: except };
    await this.#insist(() => this.#decide.set(control));
    history.record({ kind: "pushes off", except });
    await this.#world.elapse(random.between(...STANDS_MS));
    history.record({ kind: "pushes on" });
    await this.#insist(() => this.#decide.remove(controlId(control)));
  }

  /** One that came about although the answer was lost comes about again, or has nothing more to take back. */
  async #insist(act: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        await act();
        return;
      } catch (thrown) {
        if (thrown instanceof Error && "reason" in thrown && thrown.reason === "invalid_field") return;
        await this.#world.elapse(TRY_AGAIN_MS);
      }
    }
  }
}
