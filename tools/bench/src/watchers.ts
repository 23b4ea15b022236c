/**
 * Subscribers in a process of their own, each with a connection of its own, that note every push as it comes in over the
 * wire. Asked to end, by the end of the input, they print what they noted as one line of JSON.
 *
 *     watchers.ts SERVERS COUNT SERVICES FIRST
 *
 * Watcher number `n`, counted from FIRST, subscribes to service `bench-(n mod SERVICES)`.
 */

import { NO_FILTER, formatDigest, serviceKey, type Update } from "@rollcall/core";
import {
  CONNECT_PATH,
  errorDetailCodec,
  frameFromClientMessage,
  instanceFromBytes,
  serverMessageFromBytes,
} from "@rollcall/protocol";
import { createHttp2Dialer } from "@rollcall/runtime/stream";

import { now, type Noted, type WatchReport } from "./failover-report.ts";

const [servers, count, services, first] = process.argv.slice(2) as [string, string, string, string];
const addresses = servers.split(",");
const noted: Noted[] = [];
const counts = { unchanged: 0, goneBack: 0, lost: 0 };
const lastChange = new Map<number, number>();
const unseen = new Set<number>();

for (let index = 0; index < Number(count); index++) watch(Number(first) + index);

process.stdin
  .once("end", () => {
    const report: WatchReport = { ...counts, noted, last: [...lastChange] };
    process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit());
  })
  .resume();

function watch(number: number): void {
  const service = number % Number(services);
  const key = serviceKey({ service: `bench-${service}` });
  const stream = createHttp2Dialer({ errorDetail: errorDetailCodec }).dial(
    addresses[number % addresses.length]!,
    CONNECT_PATH,
  );
  const held = { digest: "", change: -1 };
  unseen.add(number);
  stream.listen({
    message(bytes) {
      const { pushes } = serverMessageFromBytes(bytes);
      for (const push of pushes) take(push, service, number, held);
      if (pushes.length > 0) {
        const receipts = pushes.map((push) => ({ ...push, held: push, resync: false }));
        stream.send(frameFromClientMessage({ receipts }));
      }
    },
    closed: () => counts.lost++,
  });
  const hello = { clientId: `watcher-${number}`, incarnation: 1, agent: "bench", moves: false };
  stream.send(frameFromClientMessage({ hello, subscribes: [{ key, filter: NO_FILTER, held: undefined }] }));
}

function take(push: Update, service: number, number: number, held: { digest: string; change: number }): void {
  const digest = formatDigest(push.digest);
  const brings = push.instances.length > 0;
  if (brings && digest === held.digest) counts.unchanged++;
  held.digest = digest;
  const bytes = push.instances[0]?.bytes;
  if (bytes === undefined) return;
  const { metadata } = instanceFromBytes(bytes);
  const change = Number(metadata["change"]);
  if (change < held.change) counts.goneBack++;
  held.change = change;
  const arrivedAt = now();
  noted.push([arrivedAt, arrivedAt - Number(metadata["at"]), service, push.version.epoch]);
  lastChange.set(number, change);
  if (unseen.delete(number) && unseen.size === 0) process.stdout.write("ready\n");
}
