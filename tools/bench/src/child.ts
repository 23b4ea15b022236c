/** A script of a benchmark in a process of its own, which is talked to in lines. */

import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";

import { spawnScript } from "./cluster.ts";

export class Child implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  /** @param name of the script beside this one */
  constructor(name: string, args: readonly string[] = []) {
    this.process = spawnScript(fileURLToPath(new URL(`./${name}.ts`, import.meta.url)), args);
    const lines: Interface = createInterface({ input: this.process.stdout! });
    this.#lines = lines[Symbol.asyncIterator]();
  }

  /** The next line that it says. */
  async line(): Promise<string> {
    const next = await this.#lines.next();
    if (next.done === true) throw new Error("a process of the benchmark ended early");
    return next.value;
  }

  /** Says a line and takes the one that answers it. */
  async ask(text: string): Promise<string> {
    this.say(text);
    return this.line();
  }

  /** The same in JSON. */
  async asking<Answer>(command: object): Promise<Answer> {
    return JSON.parse(await this.ask(JSON.stringify(command))) as Answer;
  }

  say(text: string): void {
    this.process.stdin!.write(`${text}\n`);
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    const exited = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exited = once(this.process, "exit");
    this.process.stdin!.end();
    await exited;
  }
}

/** What a child does with each line it is told. It ends when nobody is left to tell it anything. */
export function onLines(take: (line: string) => void): void {
  createInterface({ input: process.stdin })
    .on("line", take)
    .once("close", () => process.exit());
}

/** Processor time that this process has used, in microseconds. */
export function cpuMicroseconds(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Memory of a process, in bytes. */
export function residentBytes({ pid }: ChildProcess): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) * 1_024;
}

/** Node takes as many files as it may by itself; only the hard limit can be in the way. */
export function needOpenFiles(count: number): void {
  const limit = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
  if (limit === "unlimited" || Number(limit) >= count) return;
  throw new Error(
    `${count} open files are needed in one process, ${limit} are allowed: raise the hard limit (ulimit -Hn)`,
  );
}
