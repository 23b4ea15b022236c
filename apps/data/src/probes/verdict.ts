/**
 * What the last answers of an instance come to. Marked are those that failed often of late, and the mark goes when some
 * answers one after another were good: so one that answers now and then is not shown now and then. With every change the
 * counting begins anew, so that what led to it does not lead back.
 */

import { PROBE_PASSES, type ProbeTiming } from "@rollcall/core";

export interface Verdict {
  readonly unhealthy: boolean;
  /** Since the verdict was the other one, as far as they count; the newest last, true for a good one. */
  readonly answers: readonly boolean[];
}

/** Before anybody has asked: it is what it was. */
export function verdictOnce(unhealthy: boolean): Verdict {
  return { unhealthy, answers: [] };
}

export function afterAnswer({ unhealthy, answers }: Verdict, passed: boolean, timing: ProbeTiming): Verdict {
  const counted = [...answers, passed].slice(-Math.max(timing.window, PROBE_PASSES));
  const isOther = unhealthy ? hasPassed(counted) : hasFailed(counted, timing);
  return isOther ? verdictOnce(!unhealthy) : { unhealthy, answers: counted };
}

function hasPassed(answers: readonly boolean[]): boolean {
  return answers.length >= PROBE_PASSES && answers.slice(-PROBE_PASSES).every(Boolean);
}

function hasFailed(answers: readonly boolean[], { failures, window }: ProbeTiming): boolean {
  return answers.slice(-window).filter((passed) => !passed).length >= failures;
}
