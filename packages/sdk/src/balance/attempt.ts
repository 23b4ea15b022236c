import type { Balancer, Picked } from "./balancer.ts";
import { isNeverSent } from "./never-sent.ts";

export interface AttemptOptions {
  /** Instances that are tried for one call, at most. Default 3. */
  readonly attemptsMax?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Three instances in a row that are listed and refuse connections are no accident. */
const ATTEMPTS_MAX = 3;

/**
 * Calls one instance, and another one instead as long as it is certain that nothing was sent. Gives what `send` gives;
 * rejects with its last error, or as `acquire` does. `send` says when the call has ended, unless it rejects.
 */
export async function attempt<Result>(
  balancer: Balancer,
  { attemptsMax = ATTEMPTS_MAX, signal }: AttemptOptions,
  send: (pick: Picked) => Promise<Result>,
): Promise<Result> {
  const tried = new Set<string>();
  let pick = await balancer.acquire({ signal });
  for (;;) {
    try {
      return await send(pick);
    } catch (error) {
      pick.done();
      tried.add(pick.instance.id);
      const mayTryAnother = isNeverSent(error) && tried.size < attemptsMax && signal?.aborted !== true;
      const another = mayTryAnother ? balancer.pick({ except: tried }) : undefined;
      if (another === undefined) throw error;
      pick = another;
    }
  }
}
