/**
 * Our programs as processes of their own: started, asked to stop, killed, frozen and thawed, each by its own id and
 * never by a name. Whoever starts one belongs to a group, and when the group is disposed of nothing is left of it.
 */

import { spawn, type ChildProcess } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { until } from "./until.ts";

export interface ProgramOptions {
  /** What it is called in messages, for example `session-1`. */
  readonly name: string;
  /** From the root of the repository, for example `apps/meta/src/main.ts`. */
  readonly script: string;
  /** Another root, of another version. */
  readonly root?: URL | undefined;
  readonly args: readonly string[];
  /** Where it runs: what it keeps by default goes there. Default: where this process runs. */
  readonly folder?: string | undefined;
  /** A command that runs it, for example one that puts it into a network of its own, and becomes it. */
  readonly runner?: readonly string[] | undefined;
}

/** How a process ended: by itself with a code, or by a signal. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One line that a program wrote as JSON. */
export type Line = Readonly<Record<string, unknown>>;

const ROOT = new URL("../../../", import.meta.url);

/** Most of what is started was started before: that halves what a start costs. */
const ENVIRONMENT = { NODE_COMPILE_CACHE: join(tmpdir(), "rollcall-compiled"), ...process.env };

/** How many lines of output are kept for the report of a failure. */
const LINES_MAX = 2_000;

/** Loading the sources takes about a second on a busy machine. */
const READY_WITHIN_MS = 20_000;

/** Longer than any server's own graces. */
const STOPS_WITHIN_MS = 20_000;

export class Program {
  readonly name: string;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #output: string[] = [];
  readonly #lines: Line[] = [];
  #exit: Exit | undefined;

  constructor({ name, script, root = ROOT, args, folder, runner = [] }: ProgramOptions) {
    this.name = name;
    const path = fileURLToPath(new URL(script, root));
    const [command, ...rest] = [...runner, process.execPath, "--conditions=@rollcall/source", path, ...args];
    this.#child = spawn(command!, rest, { cwd: folder, env: ENVIRONMENT, stdio: ["ignore", "pipe", "pipe"] });
    this.pid = this.#child.pid ?? 0;
    this.#child.once("exit", (code, signal) => (this.#exit = { code, signal }));
    this.#child.once("error", (error) => this.#output.push(`cannot be started: ${error.message}`));
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) this.#readLines(stream);
  }

  /** Undefined while it runs. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** What it wrote last, as it wrote it. */
  get output(): string {
    return this.#output.join("\n");
  }

  /** The JSON objects among what it wrote. */
  get lines(): readonly Line[] {
    return this.#lines;
  }

  /** The first JSON line for which `wanted` holds. */
  line(wanted: (line: Line) => boolean, what: string): Promise<Line> {
    return this.#until(() => {
      const found = this.#lines.find(wanted);
      if (found === undefined && this.#exit !== undefined) throw new Error(`${this.name} has exited`);
      return found;
    }, what);
  }

  /** The `host:port` that it says it is ready at. */
  async ready(): Promise<string> {
    const { address } = await this.line(({ ready }) => ready === true, "the line that says that it is ready");
    return String(address);
  }

  /** How it ended, once it has. */
  ended(withinMs = STOPS_WITHIN_MS): Promise<Exit> {
    return this.#until(() => this.#exit, "its end", withinMs);
  }

  /** Asks it to stop; resolves with how it ended. */
  stop(): Promise<Exit> {
    this.#signal("SIGTERM");
    return this.ended();
  }

  /** `kill -9`: it gets no chance to say anything. */
  kill(): Promise<Exit> {
    this.#signal("SIGKILL");
    return this.ended();
  }

  /** It stands still and answers nothing, but its connections stay. */
  freeze(): void {
    this.#signal("SIGSTOP");
  }

  thaw(): void {
    this.#signal("SIGCONT");
  }

  /** Ends it without waiting, for when there is no time to wait. */
  drop(): void {
    this.#signal("SIGKILL");
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#exit === undefined) this.#child.kill(signal);
  }

  #until<Value>(condition: () => Value | undefined, what: string, withinMs = READY_WITHIN_MS): Promise<Value> {
    return until(condition, { what: `${what} of ${this.name}`, withinMs, because: () => this.output });
  }

  #readLines(stream: NodeJS.ReadableStream): void {
    let rest = "";
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#take(line);
    });
  }

  #take(line: string): void {
    this.#output.push(line);
    if (this.#output.length > LINES_MAX) this.#output.shift();
    if (!line.startsWith("{")) return;
    this.#lines.push(JSON.parse(line) as Line);
    if (this.#lines.length > LINES_MAX) this.#lines.shift();
  }
}

/** Programs that end together, at the latest when this process does. */
export class ProgramGroup implements AsyncDisposable {
  readonly #programs: Program[] = [];
  readonly #abandon = (): void => {
    for (const program of this.#programs) program.drop();
  };

  constructor() {
    process.once("exit", this.#abandon);
  }

  get programs(): readonly Program[] {
    return this.#programs;
  }

  start(options: ProgramOptions): Program {
    const program = new Program(options);
    this.#programs.push(program);
    return program;
  }

  /** What all of them wrote, for the report of a failure. */
  report(): string {
    return this.#programs.map(({ name, exit, output }) => `--- ${name} ${inWords(exit)}\n${output}`).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off("exit", this.#abandon);
    await Promise.all(this.#programs.map((program) => program.kill()));
  }
}

function inWords(exit: Exit | undefined): string {
  return exit === undefined ? "(running)" : `(ended: ${exit.signal ?? exit.code})`;
}
