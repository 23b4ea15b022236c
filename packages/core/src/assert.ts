/**
 * Stops the caller when an invariant of Rollcall itself is broken: a programmer's error, never a user's.
 * A server process ends on it and a simulated seed fails on it, because going on would spread a wrong state.
 */
export function assert(condition: boolean, invariant: string | (() => string)): asserts condition {
  // What is asserted all the time and says a value is put into words only when it is broken.
  if (!condition) throw new Error(`invariant broken: ${typeof invariant === "string" ? invariant : invariant()}`);
}

/** Marks a place the type checker has proved unreachable, so that a new member of a union does not compile here. */
export function unreachable(value: never): never {
  throw new Error(`unreachable case: ${JSON.stringify(value)}`);
}
