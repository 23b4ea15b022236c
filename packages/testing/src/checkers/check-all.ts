import type { History } from "../history.ts";
import { checkAcknowledgedVersions } from "./acknowledged-versions.ts";
import { checkAcknowledgements } from "./acknowledgements.ts";
import { checkConvergence } from "./convergence.ts";
import { checkEmptyGuard } from "./empty-guard.ts";
import { checkPhantomLoss } from "./phantom-loss.ts";
import { checkResurrection } from "./resurrection.ts";
import { checkViews } from "./views.ts";
import { DEFAULT_LIMITS, type CheckLimits, type Violation } from "./violation.ts";

/** Every checker, for the end of a simulated run; violations in the order in which they showed. */
export function checkAll(history: History, limits: CheckLimits = DEFAULT_LIMITS): Violation[] {
  return [
    ...checkConvergence(history, limits),
    ...checkPhantomLoss(history, limits),
    ...checkResurrection(history, limits),
    ...checkViews(history),
    ...checkAcknowledgedVersions(history, limits),
    ...checkAcknowledgements(history, limits),
    ...checkEmptyGuard(history),
  ].toSorted((a, b) => a.at - b.at);
}
