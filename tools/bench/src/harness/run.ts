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
/** In the smoke run nothing has to be warm, and all that is compared is run at once: figures say nothing there. */
const SMOKE_WARM_UPS = 0;

/** What takes longer than it has to, by so many milliseconds, is given up: better a run that ends with an error than one that does not end. */
const STEP_MAX_MS = 120_000;

export function stepsOf(scenario: Scenario, scale: Scale, repeats: number): number {
  const { subjects, repeatsMax = Infinity } = scenario;
  return subjects.length * (1 + warmUpsOf(scenario, scale) + Math.min(repeats, repeatsMax));
}

function warmUpsOf({ warmUps = WARM_UPS }: Scenario, scale: Scale): number {
  return scale === "smoke" ? SMOKE_WARM_UPS : warmUps;
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
  scenario: Scenario,
  subjects: readonly Subject[],
  { scale, repeats, progress }: RunOptions,
): Promise<SubjectResult[]> {
  await using stack = new AsyncDisposableStack();
  const { name, repeatMs = 0 } = scenario;
  const trials = await startAll(name, subjects, stack, { scale, progress });
  const step = async ({ subject, trial, measured }: Started, round: number): Promise<void> => {
    const what = `${subject} ${round < 0 ? "warms up" : `repeat ${round + 1} of ${repeats}`}`;
    progress.begin(`${name}: ${what}`);
    const one = await within(STEP_MAX_MS + repeatMs, what, trial.repeat());
    if (round >= 0) measured.push(one);
  };
  for (let round = -warmUpsOf(scenario, scale); round < repeats; round++) {
    if (scale === "smoke") await Promise.all(trials.map((trial) => step(trial, round)));
    else for (const trial of trials) await step(trial, round);
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
