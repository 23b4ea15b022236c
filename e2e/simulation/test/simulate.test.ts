import { formatHistory } from "@rollcall/testing";
import { expect, test } from "vitest";

import { crash } from "../src/faults/node-faults.ts";
import { anyShape, type SimScenario } from "../src/sim-scenario.ts";
import { hasFailed, simulate } from "../src/simulate.ts";
import { shrink } from "../src/shrink.ts";
import { workload } from "../src/workload.ts";

const stormy: SimScenario = {
  name: "stormy",
  run: workload({ steps: 20, stepMaxMs: 500, crashes: 0.1 }),
  shape: anyShape,
  lossless: false,
  profile: {
    everyMs: [500, 2_000],
    chances: [{ weight: 1, lastsMs: [100, 3_000], fault: crash("data", { silent: 0.5 }) }],
  },
};

test("a seed gives the same run each time, and another seed another", async () => {
  const [first, again, other] = [
    await simulate(stormy, { seed: 1 }),
    await simulate(stormy, { seed: 1 }),
    await simulate(stormy, { seed: 2 }),
  ];
  expect(formatHistory(again.history)).toBe(formatHistory(first.history));
  expect(again.events).toBe(first.events);
  expect(formatHistory(other.history)).not.toBe(formatHistory(first.history));
});

test("a run without one of its faults is the same until then", async () => {
  const whole = await simulate(stormy, { seed: 3 });
  const faults = whole.happened.filter((label) => label.startsWith("fault"));
  const left = faults[1]!;
  const fewer = await simulate(stormy, { seed: 3, without: new Set([left]) });
  const until = (text: string): string => text.slice(0, text.indexOf(`${faults[1]}:`));
  const before = until(formatHistory(whole.history)).split("\n").slice(0, -1);
  expect(formatHistory(fewer.history).split("\n").slice(0, before.length)).toEqual(before);
  expect(fewer.happened).not.toContain(left);
});

test("a failure is made as small as the steps and faults it needs", async () => {
  // What fails here is known: two steps out of twenty, and a fault that has to come with them.
  const failing: SimScenario = {
    ...stormy,
    async run(world) {
      let bad = 0;
      for (let step = 1; step <= 20; step++) {
        if (!world.leavesOut!(`step ${step}`) && (step === 4 || step === 17)) bad++;
        await world.elapse(300);
      }
      const crashed = world.history.history().events.some((event) => event.kind === "fault");
      world.calm();
      if (bad === 2 && crashed) throw new Error("both, and a crash");
    },
  };
  const verdict = await simulate(failing, { seed: 1 });
  expect(hasFailed(verdict)).toBe(true);
  const { verdict: smallest } = await shrink(failing, verdict);
  const [steps, faults] = [/^step/, /^fault/].map((kind) => smallest.happened.filter((label) => kind.test(label)));
  expect(steps).toEqual(["step 4", "step 17"]);
  expect(faults).toHaveLength(1);
});
