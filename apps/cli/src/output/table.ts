/** Tables for people: columns as wide as their widest cell, bold headings on a terminal, nothing else. */

import { styleText } from "node:util";

/** What stands where there is nothing, so that columns can still be told apart, and split. */
const EMPTY = "-";

const GAP = "  ";

/** The lines of a table. `stream` is where they go: only a terminal that wants them gets colours. */
export function tableLines(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  stream: NodeJS.WritableStream,
): string[] {
  const cells = rows.map((row) => row.map((cell) => (cell === "" ? EMPTY : printable(cell))));
  const widths = headings.map((heading, at) =>
    cells.reduce((widest, row) => Math.max(widest, width(row[at] ?? "")), width(heading)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => cell + " ".repeat((widths[at] ?? 0) - width(cell)))
      .join(GAP)
      .trimEnd();
  return [bold(line(headings), stream), ...cells.map(line)];
}

export function bold(text: string, stream: NodeJS.WritableStream): string {
  return styleText("bold", text, { stream });
}

export function dim(text: string, stream: NodeJS.WritableStream): string {
  return styleText("dim", text, { stream });
}

/** Instances are registered by anybody: what they say must not move the cursor of whoever looks at it. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, "\u{FFFD}");
}

/** `1 instance`, `2 instances`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function width(text: string): number {
  return Array.from(text).length;
}
