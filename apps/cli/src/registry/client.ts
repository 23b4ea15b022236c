/**
 * The SDK's client as a command uses it. The SDK waits for a registry as long as it takes, which is right for a service;
 * a person at a keyboard wants to know at once that there is none. So until the first answer the command gives up when
 * no server can be reached or the time is over; once it has been connected it waits like everybody else, and says so.
 */

import { RegistryError, createClient, type Client, type ClientEvents } from "@rollcall/sdk";

import { CommandFailure, noRegistry } from "../failure.ts";
import type { CommandPorts } from "../ports.ts";
import { serversFrom, type RegistryOptions } from "./settings.ts";

export interface Registry {
  readonly client: Client;
  /** Waits for the first answer: rejects when it is given up, and when the command is interrupted. */
  readonly firstAnswer: <Value>(answer: PromiseLike<Value>) => Promise<Value>;
}

const AGENT = "rollcall-cli";

/**
 * Runs `use` with a client, then closes it, with which ends what it registered. A command that was interrupted while
 * it waited has done what it was told, so that is no failure.
 */
export async function withRegistry(
  options: RegistryOptions,
  { env, stderr, interrupted }: Pick<CommandPorts, "env" | "stderr" | "interrupted">,
  use: (registry: Registry) => Promise<void>,
): Promise<void> {
  const servers = serversFrom(options, env);
  const { namespace, group, timeout } = options;
  // Who has something to unregister does so before; here nothing is worth waiting for.
  const client = createClient({ servers, namespace, group, agent: AGENT, closeTimeoutMs: 0 });
  const givenUp = new AbortController();
  watchFirstConnection(client, servers, givenUp);
  tellLosses(client, stderr);
  const timer = setTimeout(() => givenUp.abort(tooLate(client, servers, timeout)), timeout);
  const signal = AbortSignal.any([interrupted, givenUp.signal]);
  try {
    await use({
      client,
      async firstAnswer(answer) {
        const value = await untilAborted(answer, signal);
        clearTimeout(timer);
        return value;
      },
    });
  } catch (thrown) {
    if (!interrupted.aborted) throw thrown;
  } finally {
    clearTimeout(timer);
    await client.close();
  }
}

/** Gives up when every server has been tried once and none can be reached. One that is up and not ready is waited for. */
function watchFirstConnection(client: Client, servers: readonly string[], givenUp: AbortController): void {
  const stopRetrying = client.on("retrying", ({ failures, error }) => {
    if (failures < servers.length || error.reason !== "unavailable") return;
    givenUp.abort(noRegistry(servers, error.message));
  });
  const stopConnected = client.on("connected", () => {
    stopRetrying();
    stopConnected();
  });
}

function tooLate(client: Client, servers: readonly string[], timeoutMs: number): CommandFailure {
  if (client.state !== "connected") return noRegistry(servers, `no answer within ${timeoutMs} ms`);
  return new CommandFailure(
    `no answer from ${servers.join(" or ")} within ${timeoutMs} ms: see \`rollcall status\` for what is missing, or wait longer with --timeout`,
  );
}

/** Notes for whoever wonders why nothing changes any more. */
function tellLosses(client: Client, stderr: NodeJS.WritableStream): void {
  let lost = false;
  client.on("disconnected", ({ server, error }: ClientEvents["disconnected"]) => {
    if (client.state === "closing" || client.state === "closed") return;
    lost = true;
    stderr.write(`rollcall: lost ${server} (${error.message}); looking for a server until there is one\n`);
  });
  client.on("connected", ({ server }) => {
    if (lost) stderr.write(`rollcall: connected again, to ${server}\n`);
    lost = false;
  });
}

/** What `promise` gives; rejects with the reason of `signal` when that is aborted first. */
export function untilAborted<Value>(promise: PromiseLike<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(reasonOf(signal));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject);
  });
}

/** Resolves when the command is interrupted. */
export function untilInterrupted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new RegistryError("closed", "it was interrupted");
}
