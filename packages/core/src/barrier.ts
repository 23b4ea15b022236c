/** Barriers: has every live subscriber of a service been told what happened at a version of it? */

import type { Held } from "./datum.ts";
import type { ServiceKey } from "./service-key.ts";
import type { Version } from "./version.ts";

/** The question, from a client to its session, and from there to the slot's leader. Asked again until it is passed. */
export interface Barrier {
  /** Chosen by whoever asks, echoed in the answers. */
  readonly sequence: number;
  readonly key: ServiceKey;
  readonly version: Version;
}

/** Who is behind a barrier. */
export interface Behind {
  /** Subscribers that have not acknowledged the version, or a newer one, as far as is known. */
  readonly subscribers: number;
  /** Session nodes that may have subscribers and have not said. */
  readonly sessions: number;
}

/** How it stands with a barrier. It is passed when nobody is behind. */
export interface BarrierAnswer extends Behind {
  readonly sequence: number;
}

/** The leader's question to a session: have all of your subscribers been told that the service is this, or newer? */
export interface ToldQuestion {
  readonly key: ServiceKey;
  readonly held: Held;
}

/** The answer: how many have not. */
export interface ToldAnswer {
  readonly key: ServiceKey;
  /** As in the question. */
  readonly version: Version;
  readonly subscribers: number;
}

export function isPassed({ subscribers, sessions }: Behind): boolean {
  return subscribers === 0 && sessions === 0;
}

/** For people: who has not been told. */
export function textFromBehind(behind: Behind | undefined): string {
  if (behind === undefined) return "the slot's leader has not said who has been told";
  const { subscribers, sessions } = behind;
  const parts = [counted(subscribers, "subscriber"), counted(sessions, "session node")].filter((part) => part !== "");
  const say = subscribers + sessions === 1 ? "has not said that it knows" : "have not said that they know";
  return `${parts.join(" and ")} ${say}`;
}

function counted(count: number, what: string): string {
  if (count === 0) return "";
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
