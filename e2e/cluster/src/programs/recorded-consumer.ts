/**
 * A consumer that keeps its lists on disk and tells everything it sees as events of a history, one line each.
 *
 *     recorded-consumer.ts NAME SERVER,SERVER FOLDER SERVICE...
 */

import { textFromServiceKey } from "@rollcall/core";
import { errorDetailCodec } from "@rollcall/protocol";
import { systemClock, systemRandom } from "@rollcall/runtime";
import { createHttp2Dialer } from "@rollcall/runtime/stream";
import { createDiskCache } from "@rollcall/sdk";
import { createClientWith } from "@rollcall/sdk/heart";
import { HistoryRecorder, type Happening } from "@rollcall/testing";

import { observedDialer } from "../observed-dialer.ts";
import { machineTime } from "../recorded-views.ts";

const [name, servers, path, ...services] = process.argv.slice(2) as [string, string, string, ...string[]];

function tell(line: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify({ ...line, at: machineTime() })}\n`);
}

class ToldHistory extends HistoryRecorder {
  override record(happening: Happening): number {
    const number = super.record(happening);
    const { instances } = happening as { readonly instances?: ReadonlyMap<string, string> };
    tell({ happening: { ...happening, ...(instances && { instances: [...instances] }) } });
    return number;
  }
}

const history = new ToldHistory({ now: machineTime });
const dialer = observedDialer(createHttp2Dialer({ errorDetail: errorDetailCodec }), { client: name, history });
const client = createClientWith(
  { clock: systemClock, random: systemRandom, dialer, cache: createDiskCache({ path }) },
  { name, servers: servers.split(",") },
);
client.on("cacheFailed", ({ place, problem }) => tell({ cacheFailed: problem, place }));

for (const service of services) {
  const subscription = client.subscribe(service);
  const of = { client: name, service: textFromServiceKey(subscription.service), filter: "{}" };
  history.record({ kind: "subscribe", ...of, takes: () => true });
  subscription.onChange(({ instances, version, confirmed, kept }) => {
    history.record({
      kind: "view",
      ...of,
      version,
      confirmed,
      instances: new Map(instances.map(({ id, address }) => [id, address])),
    });
    tell({ shown: service, ids: instances.map(({ id }) => id), confirmed, kept });
  });
}

process.once("SIGTERM", () => void client.close().then(() => process.exit(0)));
