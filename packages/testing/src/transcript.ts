/** A trace as text: a conversation that reads like a story and differs in review where the behaviour does. */

import type { Direction, TraceEntry } from "./trace.ts";

/** One message in words, lines indented alike; an empty text leaves it out. */
export type DescribeMessage = (method: string, direction: Direction, message: Uint8Array) => string;

const TIME_WIDTH = 10;

/** Every entry as `time  from -> to  what`, one below the other. */
export function renderTranscript(entries: readonly TraceEntry[], describe: DescribeMessage): string {
  return entries
    .map((entry) => renderEntry(entry, describe))
    .filter((line) => line !== "")
    .join("\n");
}

function renderEntry(entry: TraceEntry, describe: DescribeMessage): string {
  const what = entry.kind === "link" ? linkInWords(entry) : frameInWords(entry, describe);
  if (what === "") return "";
  const head = `${entry.at.toFixed(3).padStart(TIME_WIDTH)}  ${entry.from} -> ${entry.to}  `;
  const [first = "", ...more] = what.split("\n");
  return [head + first, ...more.map((line) => " ".repeat(TIME_WIDTH + 4) + line)].join("\n");
}

function linkInWords({ event, method, error }: Extract<TraceEntry, { kind: "link" }>): string {
  const reason = error === undefined ? "" : ` ${error.reason}: ${error.message}`;
  return `[${event} ${method}${reason}]`;
}

function frameInWords(entry: Extract<TraceEntry, { kind: "frame" }>, describe: DescribeMessage): string {
  const words = describe(entry.method, entry.direction, entry.message);
  return words === "" || entry.fate === "delivered" ? words : `(${entry.fate}) ${words}`;
}
