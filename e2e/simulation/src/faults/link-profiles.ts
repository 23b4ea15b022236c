/** What links suffer from beginning to end, by scenario. */

import type { LinkFaults, SeededRandom } from "@rollcall/testing";

/** Delays as they are, without any loss: P12 can be judged. */
export const slow = (random: SeededRandom): Partial<LinkFaults> => ({
  delayMs: random.between(0.1, 5),
  jitterMs: random.between(0, 20),
});

/** Some of everything. */
export const poor = (random: SeededRandom): Partial<LinkFaults> => ({
  delayMs: random.between(0.1, 5),
  jitterMs: random.between(0, 50),
  loss: random.chance(0.7) ? random.between(0, 0.15) : 0,
  duplication: random.chance(0.7) ? random.between(0, 0.15) : 0,
  reorder: random.chance(0.7) ? random.between(0, 0.15) : 0,
  reorderMs: random.between(1, 300),
});

/** R9: 30 % loss and half a second of delay. */
export const terrible = (random: SeededRandom): Partial<LinkFaults> => ({
  delayMs: random.between(50, 500),
  jitterMs: random.between(0, 100),
  loss: random.between(0.05, 0.3),
});

/** R24: nothing is lost, but hardly anything arrives once and in order. */
export const repeating = (random: SeededRandom): Partial<LinkFaults> => ({
  delayMs: random.between(0.1, 5),
  jitterMs: random.between(0, 20),
  duplication: random.between(0.1, 0.6),
  reorder: random.between(0.1, 0.6),
  reorderMs: random.between(10, 1_000),
});
