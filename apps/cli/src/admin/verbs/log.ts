import { type ControlChange } from "@rollcall/core";
import { controlChangeFromWire } from "@rollcall/protocol";
import { Option } from "commander";

import { dim, tableLines } from "../../output/table.ts";
import { wholeNumber } from "../../registry/settings.ts";
import { decisionInWords, jsonFromRecord } from "../record-text.ts";
import type { Verb } from "../verb.ts";

const DEFAULT_LIMIT = 50;

export const log: Verb<{ readonly limit: number }> = {
  name: "log",
  summary: "show what was decided of late, by whom and why",
  options: [new Option("--limit <count>", "changes, the newest").argParser(wholeNumber).default(DEFAULT_LIMIT)],
  details: "Meta keeps the last 1,000 changes, as durably as what was decided.",
  examples: ["log", "log --limit 1000 --json | jq '.changes[] | select(.author == \"ann\")'"],
  decides: false,
  expires: false,
  async run({ options: { limit } }, operator) {
    const answer = await operator.ask(({ control }, call) => control.listChanges({ limit }, call));
    const changes = answer.changes.map(controlChangeFromWire);
    const { stdout } = operator.ports;
    const lines = tableLines(
      ["VERSION", "WHEN", "AUTHOR", "ID", "BEFORE", "AFTER", "REASON"],
      changes.map(row),
      stdout,
    );
    return {
      json: { changes: changes.map(jsonFromChange) },
      text: `${changes.length === 0 ? dim("nothing was ever decided", stdout) : lines.join("\n")}\n`,
    };
  },
};

function row({ version, id, author, reason, decidedAt, before, after }: ControlChange): string[] {
  const [was, is] = [before, after].map((record) => (record === undefined ? "" : decisionInWords(record)));
  return [String(version), decidedAt, author, id, was!, is!, reason];
}

function jsonFromChange({ version, id, author, reason, decidedAt, before, after }: ControlChange): object {
  const [was, is] = [before, after].map((record) => (record === undefined ? null : jsonFromRecord(record)));
  return { version, id, author, reason, decidedAt, before: was, after: is };
}
