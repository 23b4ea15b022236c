/**
 * Runs scenarios. All that a scenario compares is started before anything is measured, and each repeat takes them in
 * turn: what disturbs the machine for a while disturbs them alike. Only what would be too much together is measured apart.
 */

import type { Host } from "./host.ts";
import type { Progress } from "./progress.ts";
import { scenarioResult, subjectResult, type ScenarioResult, type SubjectResult } from "./results.ts";
import type { Measured, Scale, Scenario, Subject, Trial } from "./scenario.ts";

export interface RunOptions {
  readonly scale: Scale;
  readonly repeats: number;
  readonly host: Host;
  readonly progress: Progress;
}

const WARM_UPS = 1;

/** What takes longer is given up, in milliseconds: better a run that ends with an error than one that does not end. */
const STEP_MAX_MS = 120_000;

export function stepsOf({ subjects, warmUps = WARM_UPS, repeatsMax = Infinity }: Scenario, repeats: number): number {
  return subjects.length * (1 + warmUps + Math.min(repeats, repeatsMax));
}

/** What cannot be measured is left out and said: the others are none the worse for it. */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<ScenarioResult | undefined> {
  const { scale, host, progress } = options;
  const repeats = Math.min(options.repeats, scenario.repeatsMax ?? Infinity);
  const isApart = scenario.apart === true && scale === "full";
  const together = isApart ? scenario.subjects.map((subject) => [subject]) : [scenario.subjects];
  const subjects: SubjectResult[] = [];
  for (const some of together) {
    try {
      subjects.push(...(await measure(scenario, some, { ...options, repeats })));
    } catch (thrown) {
      const names = some.map(({ name }) => name).join(", ");
      progress.say(
        `Error: ${scenario.name} of ${names} is left out: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
      );
    }
  }
  return subjects.length === 0 ? undefined : scenarioResult(scenario, { scale, repeats, host, subjects });
}

async function measure(
  { name: scenario, warmUps = WARM_UPS }: Scenario,
  subjects: readonly Subject[],
  { scale, repeats, progress }: RunOptions,
): Promise<SubjectResult[]> {
  await using stack = new AsyncDisposableStack();
  const trials = await startAll(scenario, subjects, stack, { scale, progress });
  for (let round = -warmUps; round < repeats; round++) {
    for (const { subject, trial, measured } of trials) {
      const what = `${subject} ${round < 0 ? "warms up" : `repeat ${round + 1} of ${repeats}`}`;
      progress.begin(`${scenario}: ${what}`);
      const one = await within(STEP_MAX_MS, what, trial.repeat());
      if (round >= 0) measured.push(one);
    }
  }
  return trials.map(({ subject, measured }) => subjectResult(subject, measured));
}

interface Started {
  readonly subject: string;
  readonly trial: Trial;
  readonly measured: Measured[];
}

/** Starts all at once, for nothing is measured yet; when one cannot start, the others end. */
async function startAll(
  scenario: string,
  subjects: readonly Subject[],
  stack: AsyncDisposableStack,
  { scale, progress }: Pick<RunOptions, "scale" | "progress">,
): Promise<Started[]> {
  const starts = subjects.map(async (subject): Promise<Started> => {
    const { name } = subject;
    progress.begin(`${scenario}: ${name} starts`);
    const trial = stack.use(await within(STEP_MAX_MS, `${name} to start`, subject.start(scale)));
    return { subject: name, trial, measured: [] };
  });
  await Promise.allSettled(starts);
  return Promise.all(starts);
}

async function within<Result>(ms: number, what: string, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not done after ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
