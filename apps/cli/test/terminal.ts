/** What a command writes, as somebody in front of it reads it: in one process, or as a process of its own. */

import { spawn, type ChildProcess } from "node:child_process";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";

import { onTestFinished, vi } from "vitest";

import { runCommandLine } from "../src/program.ts";

/** Loading the sources takes about a second on a busy machine. */
const WITHIN_MS = 20_000;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
export interface Running {
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** The match once standard output has one; fails when the command ends before. */
  sees(pattern: RegExp): Promise<RegExpExecArray>;
  /** Presses Ctrl-C. */
  interrupt(): Promise<Ended>;
  readonly ended: Promise<Ended>;
}

const running = new Set<ChildProcess>();
process.once("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/** `rollcall` as a process. It is gone when the test is over. */
export function spawnRollcall(args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
  const child = spawn(process.execPath, ["--conditions=@rollcall/source", main, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  running.add(child);
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const ended = new Promise<Ended>((resolve) => {
    child.once("close", (code) => {
      running.delete(child);
      resolve({ code, stdout: stdout(), stderr: stderr() });
    });
  });
  return watched(stdout, stderr, ended, () => void child.kill("SIGINT"));
}

/** `rollcall` in this process. It is interrupted when the test is over. */
export function runRollcall(args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const [stdout, stderr] = [collect(out), collect(err)];
  const interrupted = new AbortController();
  const ports = { stdout: out, stderr: err, env, interrupted: interrupted.signal };
  const ended = runCommandLine(args, ports).then((code) => ({ code, stdout: stdout(), stderr: stderr() }));
  onTestFinished(async () => {
    interrupted.abort();
    await ended;
  });
  return watched(stdout, stderr, ended, () => interrupted.abort());
}

function watched(stdout: () => string, stderr: () => string, ended: Promise<Ended>, pressCtrlC: () => void): Running {
  return {
    stdout,
    stderr,
    ended,
    async sees(pattern) {
      let over = false;
      void ended.then(() => (over = true));
      const found = await vi
        .waitUntil(() => pattern.exec(stdout()) ?? over, { timeout: WITHIN_MS, interval: 5 })
        .catch(() => undefined);
      if (found !== undefined && found !== true) return found;
      throw new Error(`${found ? "ended" : "waited"} without ${pattern.source}:\n${stdout()}\n${stderr()}`);
    },
    interrupt() {
      pressCtrlC();
      return ended;
    },
  };
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => (text += chunk));
  return () => text;
}
