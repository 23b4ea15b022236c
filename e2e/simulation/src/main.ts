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
async function run(start: number, seeds: number, traceMax: number): Promise<void> {
  const startedAt = performance.now();
  let failures = 0;
  let events = 0;
  for (let seed = start; seed < start + seeds; seed++) {
    const verdict = await simulate(registerToPush, { seed, traceMax });
    events += verdict.events;
    if (verdict.failure === undefined) continue;
    failures++;
    process.stdout.write(`seed ${seed}:\n${verdict.trace}\n${verdict.failure}\n`);
  }
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  process.stdout.write(`${seeds} seeds, ${failures} failed, ${events} events in ${seconds} s\n`);
  process.exitCode = failures === 0 ? 0 : 1;
}

await run(Number(values.start), Number(values.seeds), Number(values.trace));
