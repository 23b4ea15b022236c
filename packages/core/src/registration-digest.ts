/**
 * What a registration is to those who compare what they hold: a session and a leader, a leader and a follower. Both
 * sides sum these up (exclusive or) over the registrations of a service or a slot and look where the sums differ.
 */

import { digestOfTexts, mixDigests, type Digest } from "./digest.ts";
import type { RegistrationVersion } from "./version.ts";

/**
 * @param keyText the service, as `namespace/group/service`
 * @param content digest of the encoded instance
 */
export function digestOfRegistration(
  keyText: string,
  { instanceId, clientId, version }: RegistrationName,
  content: Digest,
): Digest {
  const { incarnation, counter } = version;
  // With every write, so the text itself is not put together.
  const name = digestOfTexts(keyText, " ", instanceId, " ", clientId, ` ${incarnation}.`, `${counter}`);
  return mixDigests(name, content);
}

export interface RegistrationName {
  readonly instanceId: string;
  readonly clientId: string;
  readonly version: RegistrationVersion;
}
