/**
 * Clients of Rollcall that look on while something happens to the servers, in a process of their own, each with a connection
 * of its own. Client number `n` follows EACH services from number `n x EACH` on, around the SERVICES that there are.
 *
 *     witnesses.ts ADDRESS COUNT FIRST SERVICES EACH
 */

import { errorDetailCodec, serverMessageFromBytes } from "@rollcall/protocol";
import { systemClock, systemRandom } from "@rollcall/runtime";
import { createHttp2Dialer } from "@rollcall/runtime/stream";
import type { ServiceView } from "@rollcall/sdk";
import { createClientWith } from "@rollcall/sdk/heart";

import { onLines } from "../child.ts";
import { changeIn } from "../clients/bench-instance.ts";
import { Listed } from "../clients/listed.ts";
import { now } from "../harness/clock.ts";
import { inTurns } from "./in-turns.ts";
import { PushedContent, notingDialer } from "./noting-dialer.ts";
import { FOLLOWED_ID, serviceName, type Testimony, type WitnessCommand, type Witnessed } from "./words.ts";

const [address, ...numbers] = process.argv.slice(2) as [string, ...string[]];
const [count, first, services, each] = numbers.map(Number) as [number, number, number, number];

const LOOK_EVERY_MS = 5;

/** Connections that are opened at a time: less than any server's backlog. */
const CONNECTING_MAX = 32;

/** One client's view of one service. */
interface Followed {
  readonly service: number;
  /** The last change that it was called back with. */
  change: number;
}

const followed: Followed[] = [];
const listed = { instances: 0 };
const round = { noted: nothingNoted() };

await inTurns(count, CONNECTING_MAX, (index) => witness(first + index));
process.stdout.write("ready\n");
onLines((line) => void testify(JSON.parse(line) as WitnessCommand));

async function witness(number: number): Promise<void> {
  const pushed = new PushedContent();
  const dialer = notingDialer(createHttp2Dialer({ errorDetail: errorDetailCodec }), {
    opened: () => undefined,
    took(_, bytes) {
      for (const push of serverMessageFromBytes(bytes).pushes) if (pushed.isUnchanged(push)) round.noted.unchanged++;
    },
    ended() {},
  });
  const client = createClientWith(
    { clock: systemClock, random: systemRandom, dialer },
    { servers: address.split(","), name: `witness-${number}` },
  );
  client.on("disconnected", ({ server }) => round.noted.losses.push({ client: number, server, at: now() }));
  client.on("connected", () => round.noted.connections.push({ client: number, at: now() }));
  for (let at = 0; at < each; at++) {
    const one: Followed = { service: (number * each + at) % services, change: -1 };
    followed.push(one);
    const subscription = client.subscribe(serviceName(one.service));
    const list = new Listed({
      appeared: () => listed.instances++,
      disappeared() {
        listed.instances--;
        round.noted.gone++;
      },
      unchanged() {},
    });
    subscription.onChange((view) => {
      list.show(view.instances.map(({ id }) => id));
      seen(one, number, view);
    });
    await subscription.ready;
  }
}

function seen(one: Followed, client: number, view: ServiceView): void {
  const instance = view.instances.find(({ id }) => id === FOLLOWED_ID);
  if (instance === undefined) return;
  const { number: change, dueAt } = changeIn(instance.metadata);
  if (change === one.change) return;
  if (change < one.change) round.noted.goneBack++;
  // Number 0 is what there was before anything changed.
  else if (change > 0) round.noted.arrivals.push([now(), dueAt, one.service, client]);
  one.change = change;
}

async function testify({ last, instances, withinMs }: WitnessCommand): Promise<void> {
  const behind = (): number => followed.filter(({ service, change }) => change !== last[service]).length;
  const deadline = now() + withinMs;
  while ((behind() > 0 || listed.instances !== instances) && now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  const answer: Testimony = { ...round.noted, behind: behind(), missing: Math.abs(instances - listed.instances) };
  round.noted = nothingNoted();
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

function nothingNoted() {
  return {
    arrivals: [] as Witnessed["arrivals"][number][],
    losses: [] as Witnessed["losses"][number][],
    connections: [] as Witnessed["connections"][number][],
    unchanged: 0,
    goneBack: 0,
    gone: 0,
  };
}
