/**
 * A verb of `rollcall admin`: its words and what it does. Everything that all verbs have in common is the frame's (admin.ts),
 * so a decision of another kind is a file in `verbs/` and a line in `verbs.ts`.
 */

import type { Control } from "@rollcall/core";
import type { Option } from "commander";

import { jsonFromRecord, recordInWords } from "./record-text.ts";
import type { Operator } from "./operator.ts";

/** What was written on the command line, without the options of the frame. */
export interface Given<Options = object> {
  /** The arguments, in their order. */
  readonly args: readonly (string | undefined)[];
  readonly options: Options;
}

/** What a verb has to say: to scripts, and to people. */
export interface Answer {
  readonly json: object;
  readonly text: string;
}

export interface VerbWords {
  /** One word, or two where several verbs are about the same thing: `rebalance off`. */
  readonly name: string;
  readonly summary: string;
  /** As Commander has them: `<node>`, `[prefix]`; each with what it means. */
  readonly args?: readonly (readonly [syntax: string, meaning: string])[];
  readonly options?: readonly Option[];
  /** What follows from it, for the help. */
  readonly details?: string;
  /** What follows `rollcall admin`. */
  readonly examples: readonly string[];
}

export interface Verb<Options = object> extends VerbWords {
  /** Whether it decides something, and so has an author, a reason and a version to expect. */
  readonly decides: boolean;
  /** Whether what it decides can end by itself. */
  readonly expires: boolean;
  /** Whether it takes a version to expect. Default: if it decides. */
  readonly expects?: boolean;
  run(given: Given<Options>, operator: Operator): Promise<Answer>;
}

/** A verb that decides one thing, in place of what was decided about it before. */
export function decides<Options = object>(
  words: VerbWords,
  controlOf: (given: Given<Options>) => Control,
): Verb<Options> {
  return {
    ...words,
    decides: true,
    expires: true,
    async run(given, operator) {
      const record = await operator.set(controlOf(given));
      await operator.waitUntilApplied(record.version);
      return { json: jsonFromRecord(record), text: `${recordInWords(record)}\n` };
    },
  };
}

/** A verb that takes a decision back. That nothing was decided is as good. */
export function takesBack<Options = object>(words: VerbWords, idOf: (given: Given<Options>) => string): Verb<Options> {
  return {
    ...words,
    decides: true,
    expires: false,
    async run(given, operator) {
      const id = idOf(given);
      const version = await operator.remove(id);
      if (version !== undefined) await operator.waitUntilApplied(version);
      if (version === undefined) return { json: { id, removed: false }, text: `nothing was decided about ${id}\n` };
      return { json: { id, removed: true, version }, text: `${id} is decided no longer, as of version ${version}\n` };
    },
  };
}
