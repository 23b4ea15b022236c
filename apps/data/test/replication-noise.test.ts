/** Whatever a link does to what it carries, a follower ends up with what its leader has. */

import { epoch, serviceKey, slotId } from "@rollcall/core";
import type { SeededRandom } from "@rollcall/testing";
import * as fc from "fast-check";
import { expect, test } from "vitest";

import { startPair } from "./replication-fixture.ts";

const SLOTS = [slotId(3), slotId(200)];
const KEYS = ["orders", "billing", "search"].map((service) => serviceKey({ service }));
const NOISE_MS = 8_000;

const faultsOf = fc.record({
  delayMs: fc.constantFrom(0.5, 20, 300),
  loss: fc.constantFrom(0, 0.05, 0.4),
  duplication: fc.constantFrom(0, 0.3),
  reorder: fc.constantFrom(0, 0.3),
  reorderMs: fc.constantFrom(20, 1_500),
  reset: fc.constantFrom(0, 0.02),
  windowBytes: fc.constantFrom(2_000, 1_000_000),
});

type Pair = ReturnType<typeof startPair>;

function disturb(pair: Pair, random: SeededRandom): void {
  const slot = random.pick(SLOTS);
  const key = random.pick(KEYS);
  const id = `i-${random.int(30)}`;
  const followed = pair.followed(slot);
  const damageable = followed.claimsOf(key).find(({ removed }) => !removed);
  if (random.chance(0.02) && damageable !== undefined) followed.damage(key, damageable);
  else if (random.chance(0.3)) pair.led(slot).unregister(key, id, `client-${random.int(2)}`);
  else pair.led(slot).register(key, id, String(random.int(10)), `client-${random.int(2)}`);
}

test.each([5, 40, 5_000])("with a log of %i changes", { timeout: 30_000 }, async (logMax) => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), faultsOf, fc.constantFrom(3, 40, 400), async (seed, faults, pauseMs) => {
      const pair = startPair({ seed, slots: SLOTS, logMax, faults });
      const random = pair.random.fork("changes");
      for (let number = 0; number < 100; number++) disturb(pair, random);
      pair.adopt();
      let version = 1;
      while (pair.clock.now() < NOISE_MS) {
        for (let number = random.int(10); number > 0; number--) disturb(pair, random);
        if (random.chance(0.01)) {
          version++;
          for (const content of pair.leads.values()) content.lead(version);
          pair.adopt({ version, leaderEpoch: version });
        }
        await pair.clock.runFor(random.between(0, 2 * pauseMs));
      }
      pair.network.setFaults("all", {});
      // The last word may have been damage that nobody noticed, which the next comparison of all slots finds.
      await pair.clock.runFor(25_000);
      for (const slot of SLOTS) {
        expect(pair.followed(slot).live()).toEqual(pair.led(slot).live());
        expect(pair.followed(slot).version).toEqual(pair.led(slot).version);
        expect(pair.followed(slot).version.epoch).toBe(epoch(version));
      }
      expect(pair.leaders.count()).toEqual({ followed: SLOTS.length, inSync: SLOTS.length });
      expect(pair.leaders.problems(pair.clock.now())).toEqual([]);
    }),
    { numRuns: 20 },
  );
});
