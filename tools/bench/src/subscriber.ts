/** A subscriber in a process of its own: prints how long each change took to reach its callback, in microseconds. */

import { createClient } from "@rollcall/sdk";

const [server, service] = process.argv.slice(2) as [string, string];

const client = createClient({ servers: [server] });
const subscription = client.subscribe(service);
await subscription.ready;
subscription.onChange(({ instances }) => {
  const arrivedAt = process.hrtime.bigint();
  const sentAt = instances[0]?.metadata["sent-at"];
  // The monotonic clock of a machine is the same in all its processes.
  if (sentAt !== undefined) process.stdout.write(`${(arrivedAt - BigInt(sentAt)) / 1_000n}\n`);
});
process.stdout.write("ready\n");
process.stdin.once("end", () => void client.close()).resume();
