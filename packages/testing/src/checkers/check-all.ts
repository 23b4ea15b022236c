import type { History } from "../history.ts";
import { checkAcknowledgedVersions } from "./acknowledged-versions.ts";
import { checkAcknowledgements } from "./acknowledgements.ts";
import { checkAutonomousClients } from "./autonomous-clients.ts";
import { checkBoundedGhosts } from "./bounded-ghosts.ts";
import { checkBoundedResources } from "./bounded-resources.ts";
import { checkConvergence } from "./convergence.ts";
import { checkDisabled } from "./disabled.ts";
import { checkDrained } from "./drained.ts";
import { checkDurableOverrides } from "./durable-overrides.ts";
import { checkEmptyGuard } from "./empty-guard.ts";
import { checkOwnership } from "./ownership.ts";
import { checkPhantomLoss } from "./phantom-loss.ts";
import { checkBlocked, checkPushesOff } from "./pushes-off.ts";
import { checkResurrection } from "./resurrection.ts";
import { checkServiceLists } from "./service-lists.ts";
import { checkSessionTruth } from "./session-truth.ts";
import { checkSilence } from "./silence.ts";
import { checkUnderstanding } from "./understanding.ts";
import { checkViews } from "./views.ts";
import { DEFAULT_LIMITS, type CheckLimits, type Violation } from "./violation.ts";

export interface CheckOptions {
  /** No link lost, repeated or reordered anything while it lived: then P12 and R19 can be judged. By default not. */
  readonly lossless?: boolean | undefined;
}

/** Every checker that applies, for the end of a run; violations in the order in which they showed. */
export function checkAll(
  history: History,
  limits: CheckLimits = DEFAULT_LIMITS,
  { lossless = false }: CheckOptions = {},
): Violation[] {
  return [
    ...checkConvergence(history, limits),
    ...checkSessionTruth(history, limits),
    ...checkPhantomLoss(history, limits),
    ...checkResurrection(history, limits),
    ...checkViews(history),
    ...checkAcknowledgedVersions(history, limits),
    ...checkBoundedGhosts(history, limits),
    ...checkEmptyGuard(history),
    ...checkServiceLists(history, limits),
    ...checkDurableOverrides(history, limits),
    ...checkDisabled(history),
    ...checkPushesOff(history),
    ...checkBlocked(history, limits),
    ...checkAutonomousClients(history),
    ...checkBoundedResources(history),
    ...checkOwnership(history),
    ...(lossless ? [...checkSilence(history), ...checkUnderstanding(history)] : []),
    ...checkAcknowledgements(history, limits),
    ...checkDrained(history, limits),
  ].toSorted((a, b) => a.at - b.at);
}
