/**
 * The life of a server process: it starts, says on one line that it is ready, and stops in order when it is asked to.
 *
 *     starting --> ready --> stopping --> exit 0       SIGTERM or SIGINT; exit 1 if stopping fails
 *         \          \            \----> exit 1       a second signal: whoever sends it does not want to wait
 *          \----------\----------------> exit 1       an error that nobody handled: the state can not be trusted;
 *                                                     or the server itself says that it is of no use
 */

import type { Log } from "@rollcall/core";

/** What runs in the process. */
export interface RunningServer {
  /** `host:port` that others reach it by. */
  readonly address: string;
  /** Ends everything, newest first; resolves when nothing is left. */
  stop(): Promise<void>;
}

export interface ProcessOptions {
  readonly role: string;
  readonly log: Log;
  /** @param cannotGoOn ends the process, also after it was ready: what it was started for is impossible */
  readonly start: (cannotGoOn: (why: Error) => void) => Promise<RunningServer>;
  /** The process to live in. Default this one; tests hand in a stand-in. */
  readonly host?: HostProcess | undefined;
}

/** What is needed of a process. */
export interface HostProcess {
  on(event: "SIGTERM" | "SIGINT", listener: (signal: string) => void): unknown;
  on(event: "uncaughtException" | "unhandledRejection", listener: (error: unknown) => void): unknown;
  exit(code: number): void;
}

type Phase =
  | { readonly kind: "starting" }
  | { readonly kind: "ready"; readonly server: RunningServer }
  | { readonly kind: "stopping" };

/** Resolves when the server is ready, or the process is about to exit. */
export async function runProcess({ role, log, start, host = process }: ProcessOptions): Promise<void> {
  let phase: Phase = { kind: "starting" };

  async function stop(server: RunningServer, signal: string): Promise<void> {
    phase = { kind: "stopping" };
    log.info("stopping", { signal });
    try {
      await server.stop();
      log.info("stopped");
      host.exit(0);
    } catch (error) {
      log.error("could not stop in order", { error });
      host.exit(1);
    }
  }
  const signalled = (signal: string) => {
    if (phase.kind === "ready") {
      void stop(phase.server, signal);
    } else {
      log.warn("exiting at once", { signal, phase: phase.kind });
      host.exit(1);
    }
  };
  const failed = (error: unknown) => {
    log.error("an error that nobody handled, exiting", { error });
    host.exit(1);
  };
  const cannotGoOn = (error: Error): void => {
    log.error("cannot go on, exiting", { error });
    host.exit(1);
  };
  host.on("SIGTERM", signalled);
  host.on("SIGINT", signalled);
  host.on("uncaughtException", failed);
  host.on("unhandledRejection", failed);

  try {
    const server = await start(cannotGoOn);
    phase = { kind: "ready", server };
    log.info("ready", { ready: true, role, address: server.address });
  } catch (error) {
    log.error("could not start", { error });
    host.exit(1);
  }
}

/** What is to be undone at the end: the last thing started is the first to stop. */
export class StopSequence {
  readonly #steps: { readonly name: string; readonly stop: () => void | Promise<void> }[] = [];

  add(name: string, stop: () => void | Promise<void>): void {
    this.#steps.push({ name, stop });
  }

  /** Runs every step, also after one has failed; then throws what failed, if anything. */
  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (const { name, stop } of this.#steps.splice(0).toReversed()) {
      try {
        await stop();
      } catch (cause) {
        failures.push(new Error(`${name} did not stop`, { cause }));
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, "could not stop in order");
  }
}
