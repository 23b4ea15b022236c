/**
 * A subscriber whose callback never returns: from the first change on its process does nothing else any more.
 *
 *     stuck-subscriber.ts SERVER SERVICE
 */

import { createClient } from "@rollcall/sdk";

const [server, service] = process.argv.slice(2) as [string, string];

const client = createClient({ servers: [server] });
const subscription = client.subscribe(service);
await subscription.ready;
const counts = { calls: 0 };
subscription.onChange(() => {
  // The first call is with what it has already.
  if (++counts.calls === 1) process.stdout.write(`${JSON.stringify({ ready: true, address: server })}\n`);
  // Its output may take a moment to leave; then it stands still for good.
  else for (;;);
});
