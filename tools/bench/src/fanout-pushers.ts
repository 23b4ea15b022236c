/** What pushes in the benchmark of fan-out: Rollcall, and servers that do nothing else. */

import { Datum, NO_FILTER, epoch, serviceKey, type Update } from "@rollcall/core";
import { framesFromPush } from "@rollcall/protocol";
import { createClient, type Registration } from "@rollcall/sdk";

import { Child } from "./child.ts";
import { BenchCluster, serversOf } from "./cluster.ts";
import { benchInstance, encodedInstance } from "./fanout-words.ts";
import type { Server } from "./harness/usage.ts";

export type Body = "delta" | "snapshot";

export const FANOUT_SERVICE = "fanout";

/** Something that pushes to those who are connected. */
export interface Pusher extends AsyncDisposable {
  readonly address: string;
  readonly servers: readonly Server[];
  /** Makes change number `change`. */
  push(change: number): void;
  /** Processor time that its server has used, in microseconds. */
  cpu(): Promise<number>;
}

/** What the subscribers are told to do. */
export function wayOf(server: string, body: Body): string {
  if (server === "rollcall") return body === "delta" ? "connect" : "watch";
  return server === "receipted" ? "acknowledge" : "listen";
}

export async function startRollcall(instances: number): Promise<Pusher> {
  const cluster = await BenchCluster.start({ data: 1, sessions: 1 });
  const session = cluster.sessions[0]!;
  const provider = createClient({ servers: [session.address] });
  const registrations: Registration[] = await Promise.all(
    Array.from({ length: instances }, (_, index) =>
      provider.register({ service: FANOUT_SERVICE, ...benchInstance(index, 0) }),
    ),
  );
  return {
    address: session.address,
    servers: serversOf(cluster),
    push: (change) => void registrations[change % instances]!.update(benchInstance(change % instances, change)),
    async cpu() {
      const text = await (await fetch(`http://${session.address}/metrics`)).text();
      return Number(/^rollcall_process_cpu_seconds_total (\S+)/m.exec(text)?.[1]) * 1e6;
    },
    async [Symbol.asyncDispose]() {
      await provider.close();
      await cluster[Symbol.asyncDispose]();
    },
  };
}

export async function startComparison(server: string, body: Body, instances: number): Promise<Pusher> {
  const child = new Child(server === "typed" ? "fanout-typed" : "fanout-http2");
  const datum = new Datum(serviceKey({ service: FANOUT_SERVICE }), { epoch: epoch(1), counter: 0 });
  for (let index = 0; index < instances; index++) put(datum, index, 0);
  child.say(messageOf(datum.snapshot(NO_FILTER, true)));
  const address = await child.line();
  return {
    address,
    servers: [{ role: server, pid: child.process.pid! }],
    push(change) {
      const { held } = datum;
      put(datum, change % instances, change);
      const delta = body === "delta" ? datum.delta(held, NO_FILTER, true) : undefined;
      child.say(messageOf(delta ?? datum.snapshot(NO_FILTER, true)));
    },
    cpu: async () => Number(await child.ask("cpu")),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

function put(datum: Datum, index: number, change: number): void {
  const counter = datum.version.counter + 1;
  datum.put(encodedInstance(index, change), { epoch: epoch(1), counter });
}

/** A framed push as text. */
function messageOf(update: Update): string {
  return Buffer.from(framesFromPush(update)[0]!).toString("base64");
}
