/**
 * Finds out about peers that are gone without a word: a pulled cable, a stopped process, a forgetful NAT. One sweep
 * looks at all sessions at once. A session from which bytes have come since the last look is alive; one that has been
 * silent for a while is sent a PING, and one that is silent for some more is destroyed. Any byte counts as an answer,
 * so of two peers that both sweep, only the more eager one sends PINGs.
 *
 * Silence is counted in sweeps and not in time: a process that was itself stopped for a minute makes one sweep and
 * then reads what has come meanwhile, instead of taking all its peers for dead.
 */

import { constants, type Http2Session } from "node:http2";

export interface PingSweepOptions {
  /** Silence after which a PING is sent, in milliseconds. */
  readonly pingAfterMs: number;
  /** Further silence after which the session is destroyed, in milliseconds. */
  readonly answerWithinMs: number;
}

export interface PingSweep {
  /** Watches `session` until it closes. `dead` is called just before a silent session is destroyed. */
  watch(session: Http2Session, dead: () => void): void;
  stop(): void;
}

/** How often sessions are looked at, in milliseconds: the error of both times above. A look costs well under 1 us. */
const SWEEP_MS = 250;

interface Watched {
  readonly dead: () => void;
  bytesRead: number;
  silentSweeps: number;
}

export function createPingSweep({ pingAfterMs, answerWithinMs }: PingSweepOptions): PingSweep {
  const sweepMs = Math.min(SWEEP_MS, pingAfterMs, answerWithinMs);
  const pingAt = Math.ceil(pingAfterMs / sweepMs);
  const deadAt = pingAt + Math.ceil(answerWithinMs / sweepMs);
  const watched = new Map<Http2Session, Watched>();
  let timer: NodeJS.Timeout | undefined;

  function look(session: Http2Session, state: Watched): void {
    const bytesRead = session.socket.bytesRead;
    state.silentSweeps = bytesRead === state.bytesRead ? state.silentSweeps + 1 : 0;
    state.bytesRead = bytesRead;
    if (state.silentSweeps === pingAt) {
      session.ping(() => {});
    } else if (state.silentSweeps >= deadAt) {
      watched.delete(session);
      state.dead();
      session.destroy(undefined, constants.NGHTTP2_CANCEL);
    }
  }

  function sweep(): void {
    for (const [session, state] of watched) if (!session.destroyed && !session.connecting) look(session, state);
  }

  return {
    watch(session, dead) {
      watched.set(session, { dead, bytesRead: -1, silentSweeps: 0 });
      session.once("close", () => watched.delete(session));
      timer ??= setInterval(sweep, sweepMs).unref();
    },
    stop() {
      clearInterval(timer);
      timer = undefined;
      watched.clear();
    },
  };
}
