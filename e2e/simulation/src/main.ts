/** `node main.ts --seeds 1000 --start 1`: runs the scenarios on many seeds and prints the failures. */

import { parseArgs } from "node:util";

import { registerToPush } from "./scenarios/register-to-push.ts";
import { simulate } from "./simulate.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "100" },
    start: { type: "string", default: "1" },
    trace: { type: "string", default: "0" },
  },
});
const start = Number(values.start);
const startedAt = performance.now();
let failures = 0;
let events = 0;
for (let seed = start; seed < start + Number(values.seeds); seed++) {
  const verdict = await simulate(registerToPush, { seed, traceMax: Number(values.trace) });
  events += verdict.events;
  if (verdict.failure === undefined) continue;
  failures++;
  process.stdout.write(`seed ${seed}:\n${verdict.trace}\n${verdict.failure}\n`);
}
const seconds = (performance.now() - startedAt) / 1_000;
process.stdout.write(`${values.seeds} seeds, ${failures} failed, ${events} events in ${seconds.toFixed(1)} s\n`);
process.exitCode = failures === 0 ? 0 : 1;
