/** The command line: which commands there are, what they take, and how a failure is told. */

import { readFileSync } from "node:fs";

import { Command, CommanderError } from "commander";

import { addAdmin } from "./admin/admin.ts";
import { addDev } from "./commands/dev.ts";
import { addDrain } from "./commands/drain.ts";
import { addNodes } from "./commands/node.ts";
import { addRegister } from "./commands/register.ts";
import { addResolve } from "./commands/resolve.ts";
import { addServices } from "./commands/services.ts";
import { addStatus } from "./commands/status.ts";
import { addWatch } from "./commands/watch.ts";
import { addWhy } from "./commands/why.ts";
import { CommandFailure, EXIT, type ExitCode } from "./failure.ts";
import type { CommandPorts } from "./ports.ts";

/** @param args what follows `rollcall` */
export async function runCommandLine(args: readonly string[], ports: CommandPorts): Promise<ExitCode> {
  const program = createProgram(ports);
  try {
    if (args.length === 0) program.help({ error: true });
    await program.parseAsync(args, { from: "user" });
    return EXIT.ok;
  } catch (thrown) {
    // Commander has told already what it did not understand, or shown what was asked for.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 && args.length > 0 ? EXIT.ok : EXIT.usage;
    const { message, exitCode } = CommandFailure.fromUnknown(thrown);
    ports.stderr.write(`rollcall: ${message}\n`);
    return exitCode;
  }
}

function createProgram(ports: CommandPorts): Command {
  const program = new Command("rollcall")
    .description("Rollcall, a service registry: run one, register instances, follow services.")
    .version(ownVersion(), "-V, --version", "show the version")
    .helpOption("-h, --help", "show help")
    .helpCommand("help [command]", "show help for a command")
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void ports.stdout.write(text),
      writeErr: (text) => void ports.stderr.write(text),
      outputError: (text, write) => write(`${inOneLine(text)}; see --help\n`),
    })
    .addHelpText(
      "after",
      `
Try it, each in a terminal of its own:
  rollcall dev
  rollcall watch orders
  rollcall register orders 127.0.0.1:8080 --protocol http

Exit codes: 0 all well, 1 it failed, 2 the command line makes no sense, 3 somebody else has decided meanwhile.`,
    );
  // Subcommands take over what is set up to here, so they come last.
  program.commandsGroup("Registry:");
  addDev(program, ports);
  addNodes(program);
  program.commandsGroup("Clients:");
  addRegister(program, ports);
  addDrain(program, ports);
  addWatch(program, ports);
  addResolve(program, ports);
  addServices(program, ports);
  program.commandsGroup("Operators:");
  addStatus(program, ports);
  addWhy(program, ports);
  addAdmin(program, ports);
  return program;
}

/** `error: missing required argument 'service'` in the form of our own messages. */
function inOneLine(text: string): string {
  return `rollcall: ${text
    .replace(/^error: /, "")
    .trim()
    .replaceAll("\n", " ")}`;
}

function ownVersion(): string {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { readonly version: string }).version;
}
