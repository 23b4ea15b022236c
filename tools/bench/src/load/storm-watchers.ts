/**
 * Subscribers in a process of their own, each with a connection of its own, that read what they are pushed as far as they have
 * to. Client number `n` follows EACH services from number `n x EACH` on, around the SERVICES that there are. One more follows
 * all services and holds their instances: what the others have is right when it is what that one has.
 *
 *     storm-watchers.ts ADDRESS COUNT FIRST SERVICES EACH
 */

import { Datum, NO_FILTER, epoch, formatDigest, serviceKey, type Update } from "@rollcall/core";
import {
  CONNECT_PATH,
  errorDetailCodec,
  frameFromClientMessage,
  instanceFromBytes,
  serverMessageFromBytes,
} from "@rollcall/protocol";
import { createHttp2Dialer } from "@rollcall/runtime/stream";

import { onLines } from "../child.ts";
import { changeIn } from "../clients/bench-instance.ts";
import { now } from "../harness/clock.ts";
import { quantileOf } from "../harness/statistics.ts";
import { inTurns } from "./in-turns.ts";
import { generationOf, serviceName, type StormCommand, type StormReport } from "./words.ts";

const [address, ...numbers] = process.argv.slice(2) as [string, ...string[]];
const [count, first, services, each] = numbers.map(Number) as [number, number, number, number];

/** Connections that are opened at a time: less than any server's backlog. */
const CONNECTING_MAX = 32;
const LOOK_EVERY_MS = 5;
const HEADER_BYTES = 5;

/** What one client has of one service. */
interface Held {
  readonly service: number;
  digest: string;
  /** When the last push came that changed it. */
  changedAt: number;
}

const dialer = createHttp2Dialer({ errorDetail: errorDetailCodec, connectTimeoutMs: 60_000 });
const data = Array.from(
  { length: services },
  (_, service) => new Datum(serviceKey({ service: serviceName(service) }), { epoch: epoch(0), counter: 0 }),
);
const held: Held[] = [];
const noted = { pushes: 0, bytes: 0, duplicated: 0, mismatched: 0, latencies: [] as number[] };
const noteAnew = (): void =>
  void Object.assign(noted, { pushes: 0, bytes: 0, duplicated: 0, mismatched: 0, latencies: [] });

await follow(
  "holder",
  data.map((_, service) => service),
  (update, service) => {
    if (data[service]!.apply(update) === "mismatch") noted.mismatched++;
  },
);
await inTurns(count, CONNECTING_MAX, async (index) => {
  const number = first + index;
  const own = Array.from({ length: each }, (_, at) => (number * each + at) % services);
  const mine = new Map(own.map((service) => [service, { service, digest: "", changedAt: 0 }]));
  held.push(...mine.values());
  await follow(
    `watcher-${number}`,
    own,
    (update, service) => take(update, mine.get(service)!),
    (bytes) => (noted.bytes += bytes),
  );
});
noteAnew(); // The first lists are no part of it.
process.stdout.write("ready\n");
onLines((line) => void report(JSON.parse(line) as StormCommand));

/** Resolves when it has the first list of each of them. */
function follow(
  clientId: string,
  own: readonly number[],
  push: (update: Update, service: number) => void,
  read: (bytes: number) => void = () => {},
): Promise<void> {
  const byName = new Map(own.map((service) => [serviceName(service), service]));
  const missing = new Set(own);
  const stream = dialer.dial(address, CONNECT_PATH);
  return new Promise((resolve, reject) => {
    stream.listen({
      message(message) {
        const { pushes } = serverMessageFromBytes(message);
        if (pushes.length === 0) return;
        for (const update of pushes) {
          const service = byName.get(update.key.service)!;
          push(update, service);
          if (missing.delete(service) && missing.size === 0) resolve();
        }
        read(message.length + HEADER_BYTES);
        const receipts = pushes.map((update) => ({ ...update, held: update, resync: false }));
        stream.send(frameFromClientMessage({ receipts }));
      },
      closed: (error) => reject(error ?? new Error("the session ended a stream")),
    });
    stream.send(
      frameFromClientMessage({
        hello: { clientId: `${clientId}-${process.pid}`, incarnation: 1, agent: "bench", moves: false },
        subscribes: own.map((service) => ({
          key: serviceKey({ service: serviceName(service) }),
          filter: NO_FILTER,
          held: undefined,
        })),
      }),
    );
  });
}

function take(update: Update, mine: Held): void {
  const arrivedAt = now();
  const digest = formatDigest(update.digest);
  const { baseDigest } = update;
  if (baseDigest !== undefined && formatDigest(baseDigest) !== mine.digest) noted.mismatched++;
  if (digest === mine.digest) {
    if (update.instances.length > 0) noted.duplicated++;
    return;
  }
  mine.digest = digest;
  mine.changedAt = arrivedAt;
  noted.pushes++;
  // A list tells of what was long before.
  if (baseDigest === undefined) return;
  for (const { bytes } of update.instances)
    noted.latencies.push(arrivedAt - changeIn(instanceFromBytes(bytes).metadata).dueAt);
}

async function report({ generation, instances, lastDueAt, withinMs }: StormCommand): Promise<void> {
  const isFinal = (datum: Datum): boolean =>
    datum.size === instances && [...datum.instances()].every(({ id }) => generationOf(id) === generation);
  const lost = (): number => {
    const finals = data.map((datum) => (isFinal(datum) ? formatDigest(datum.digest) : undefined));
    return held.filter(({ service, digest }) => digest !== finals[service]).length;
  };
  const deadline = now() + withinMs;
  while (lost() > 0 && now() < deadline) await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  const behind = held.map(({ service, changedAt }) => Math.max(0, changedAt - (lastDueAt[service] ?? changedAt)));
  const { latencies, ...counted } = noted;
  const answer: StormReport = {
    ...counted,
    lost: lost(),
    subscriptions: held.length,
    p50Ms: quantileOf(latencies, 0.5),
    p99Ms: quantileOf(latencies, 0.99),
    finalP50Ms: quantileOf(behind, 0.5),
    finalP99Ms: quantileOf(behind, 0.99),
  };
  noteAnew();
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
