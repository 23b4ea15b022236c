/** A failing run in words: what was violated, and the history and the frames that have to do with it. */

import { formatHistory, formatViolations, renderTranscript, type DescribeMessage } from "@rollcall/testing";

import { describeMessage } from "./describe-message.ts";
import type { Shrunk } from "./shrink.ts";
import type { Verdict } from "./simulate.ts";

/** Violations that are told: the first ones say what went wrong, and the others follow from it. */
const VIOLATIONS_MAX = 20;

export function failureInWords({ broken, violations }: Verdict): string {
  const more = violations.length - VIOLATIONS_MAX;
  return [broken, formatViolations(violations.slice(0, VIOLATIONS_MAX)), more > 0 && `and ${more} more`]
    .filter(Boolean)
    .join("\n");
}

/** The history of the violated services, and the trace of what was said about them. */
export function storyInWords(verdict: Verdict): string {
  const services = new Set(verdict.violations.flatMap(({ service }) => service ?? []));
  const about = services.size === 0 ? undefined : services;
  const trace = renderTranscript(verdict.trace, only(about));
  return [formatHistory(verdict.history, about), trace].filter((part) => part !== "").join("\n\n");
}

export function shrunkInWords({ verdict, runs }: Shrunk): string {
  const { happened } = verdict;
  return `after ${runs} runs ${happened.length} steps and faults remain: ${happened.join(", ")}\n${failureInWords(verdict)}`;
}

/** Of each message, the lines that name one of these services or none at all. */
function only(services: ReadonlySet<string> | undefined): DescribeMessage {
  if (services === undefined) return describeMessage;
  return (method, direction, message) =>
    describeMessage(method, direction, message)
      .split("\n")
      .filter((line) => !/\S+\/\S+\/\S+/.test(line) || [...services].some((service) => line.includes(service)))
      .join("\n");
}
