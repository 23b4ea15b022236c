import type { Violation } from "../src/index.ts";
import { Story } from "./story.ts";

export const LATE = 100_000;

export function said(violations: readonly Violation[]): string[] {
  return violations.map(({ property, message }) => `${property} ${message}`);
}

/** `i-1` registered by `provider` and acknowledged at version 1, seen by `reader`. */
export function registeredRun(): Story {
  const story = new Story();
  story.at(0).subscribe("reader");
  const first = story.at(10).register("provider", "i-1");
  story.at(11).registered(first, 1);
  return story.at(12).view("reader", 1, { "i-1": "v1" });
}
