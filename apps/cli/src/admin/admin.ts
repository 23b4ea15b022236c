/**
 * `rollcall admin`: the frame that all of an operator's verbs share. Where meta is, who decides and why, how the answer is
 * written, and how a failure ends are the same for each of them.
 */

import { userInfo } from "node:os";

import { InvalidArgumentError, Option, type Command } from "commander";

import { CommandFailure, EXIT } from "../failure.ts";
import { DEFAULT_META, META_VARIABLE } from "../commands/status.ts";
import { writeJson } from "../output/json.ts";
import type { CommandPorts } from "../ports.ts";
import { addressesFrom, collect, wholeNumber } from "../registry/settings.ts";
import { Operator } from "./operator.ts";
import type { Verb } from "./verb.ts";
import { VERBS } from "./verbs.ts";

/** Who decides, where several people share a user of the machine, or a pipeline decides. */
const AUTHOR_VARIABLE = "ROLLCALL_AUTHOR";

const DEFAULT_WAIT_MS = 30_000;

interface FrameOptions {
  readonly meta?: readonly string[] | undefined;
  readonly json?: boolean | undefined;
  readonly timeout: number;
  readonly author?: string | undefined;
  readonly reason?: string | undefined;
  readonly expires?: number | undefined;
  readonly expect?: number | undefined;
  /** True when it was given without a time. */
  readonly wait?: number | true | undefined;
}

export function addAdmin(program: Command, ports: CommandPorts): void {
  const admin = program
    .command("admin")
    .description("decide how the cluster is run: each decision is durable, and has an author and a reason")
    .addHelpText(
      "after",
      `
Decisions are kept by meta over restarts of everything, until their time is over or they are taken back.
Exit codes: 0 all well, 1 it failed, 2 the command line makes no sense, 3 somebody else has decided meanwhile.

Examples:
  rollcall admin list
  rollcall admin rebalance off --reason "tonight's import" --expires 2h`,
    );
  for (const verb of VERBS) addVerb(admin, verb, ports);
}

function addVerb(admin: Command, verb: Verb, ports: CommandPorts): void {
  const words = verb.name.split(" ");
  const [name, group] = words.toReversed() as [string, string?];
  const command = (group === undefined ? admin : groupOf(admin, group)).command(name).description(verb.summary);
  for (const [syntax, meaning] of verb.args ?? []) command.argument(syntax, meaning);
  for (const option of verb.options ?? []) command.addOption(option);
  for (const option of frameOptions(verb)) command.addOption(option);
  const examples = verb.examples.map((example) => `  rollcall admin ${example}`);
  const details = verb.details === undefined ? [] : [verb.details, ""];
  command.addHelpText("after", ["", ...details, "Examples:", ...examples].join("\n"));
  command.action(() => run(verb, { args: command.args, options: command.opts() }, ports));
}

/** The command that has several verbs about one thing below it. */
function groupOf(admin: Command, name: string): Command {
  const present = admin.commands.find((command) => command.name() === name);
  if (present !== undefined) return present;
  const verbs = VERBS.filter((verb) => verb.name.startsWith(`${name} `));
  return admin.command(name).description(verbs.map(({ summary }) => summary).join("; or "));
}

function frameOptions({ decides, expires, expects = decides }: Verb): Option[] {
  return [
    ...(decides
      ? [
          new Option("--reason <text>", "why, for whoever finds it so"),
          new Option("--author <name>", `who decides (variable ${AUTHOR_VARIABLE}, default the user)`),
          new Option("--wait [duration]", "until all nodes act by it, at most so long (default 30s)").argParser(
            duration,
          ),
        ]
      : []),
    ...(expects
      ? [new Option("--expect <version>", "only if the record is at this version, 0 for none").argParser(wholeNumber)]
      : []),
    ...(expires
      ? [new Option("--expires <duration>", "ends by itself after so long: 90s, 30m, 2h, 7d").argParser(duration)]
      : []),
    new Option(
      "--meta <host:port>",
      `meta node, repeatable (variable ${META_VARIABLE}, default ${DEFAULT_META})`,
    ).argParser(collect),
    new Option("--json", "one JSON object, for scripts"),
    new Option("--timeout <ms>", "how long to wait for each answer").argParser(wholeNumber).default(5_000),
  ];
}

async function run(
  verb: Verb,
  { args, options }: { readonly args: readonly string[]; readonly options: FrameOptions },
  ports: CommandPorts,
): Promise<void> {
  const operator = new Operator(
    {
      addresses: addressesFrom(options.meta, ports.env[META_VARIABLE], DEFAULT_META, "--meta"),
      timeoutMs: options.timeout,
      author: verb.decides ? authorOf(options, ports) : "",
      reason: options.reason ?? "",
      expiresInMs: options.expires,
      expectedVersion: options.expect,
      waitMs: options.wait === true ? DEFAULT_WAIT_MS : options.wait,
    },
    ports,
  );
  const { json, text } = await verb.run({ args, options }, operator);
  if (options.json === true) writeJson(ports.stdout, json);
  else ports.stdout.write(text);
}

function authorOf({ author }: FrameOptions, { env }: CommandPorts): string {
  const name = author || env[AUTHOR_VARIABLE] || env["USER"] || userOfProcess();
  if (name !== undefined) return name;
  throw new CommandFailure(`this process has no user with a name: say who decides with --author`, {
    exitCode: EXIT.usage,
  });
}

function userOfProcess(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}

const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** In milliseconds. */
function duration(text: string): number {
  const [, count, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
  if (count !== undefined) return Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS];
  throw new InvalidArgumentError("It must be a whole number with a unit: 500ms, 90s, 30m, 2h, 7d.");
}
