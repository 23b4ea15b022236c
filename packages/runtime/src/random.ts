import { randomBytes } from "node:crypto";

import type { Random } from "@rollcall/core";

/** The randomness of a real process. Identifiers cannot be guessed; numbers need not be safe, only spread. */
export const systemRandom: Random = {
  next: () => Math.random(),
  id: () => randomBytes(16).toString("hex"),
};
