/**
 * Clients of the SDK in a process of their own, each with registrations and subscriptions, that note on the wire when
 * they have lost their session and when they have everything again. They are told and asked in lines:
 *
 *     register     begins to register everything
 *     subscribe    begins to subscribe to everything
 *     cut          loses every link at once
 *     round        begins to note anew; answers how many clients each session has
 *     look         answers what is still missing, and how many have lost their session
 *     report       answers what was noted
 *
 *     reconnect-clients.ts SERVERS FIRST COUNT CLIENTS SERVICES
 */

import { textFromServiceKey } from "@rollcall/core";
import { errorDetailCodec, serverMessageFromBytes } from "@rollcall/protocol";
import { systemClock, systemRandom } from "@rollcall/runtime";
import { createHttp2Dialer } from "@rollcall/runtime/stream";
import type { Client, ServiceView } from "@rollcall/sdk";
import { createClientWith } from "@rollcall/sdk/heart";

import { needOpenFiles, onLines } from "./child.ts";
import { now } from "./harness/clock.ts";
import { PushedContent, notingDialer } from "./load/noting-dialer.ts";
import { registeredBy, subscribedBy, type Look, type Places, type RoundReport } from "./reconnect-words.ts";

const [servers, ...numbers] = process.argv.slice(2) as [string, ...string[]];
const [first, count, clients, services] = numbers.map(Number) as [number, number, number, number];

/** Clients that register or subscribe for the first time at a time. */
const AT_A_TIME = 100;

needOpenFiles(2 * count + 200);
// Clients give up by themselves.
const dialer = createHttp2Dialer({ errorDetail: errorDetailCodec, connectTimeoutMs: 60_000 });
const expected = expectedIds();
const round = { lost: 0, unchanged: 0, shown: 0, restoredAt: [] as number[], failed: {} as Record<string, number> };
const members: Member[] = [];
const left = { unregistered: count };

onLines((line) => process.stdout.write(`${answer(line)}\n`));

/** One client and what it has on the wire. */
interface Member {
  readonly number: number;
  readonly client: Client;
  /** What it was shown last, by service. */
  readonly views: Map<string, ServiceView | undefined>;
  /** Links on which everything is answered. */
  readonly complete: Set<WireLink>;
  readonly pushed: PushedContent;
}

interface WireLink {
  readonly address: string;
  readonly answered: Set<number>;
  readonly pushed: Set<string>;
}

function answer(line: string): string {
  switch (line) {
    case "register":
      void inTurn(register);
      return "begun";
    case "subscribe":
      void inTurn(subscribe);
      return "begun";
    case "cut":
      dialer.close();
      return "cut";
    case "round":
      Object.assign(round, { lost: 0, unchanged: 0, shown: 0, restoredAt: [], failed: {} });
      return JSON.stringify(places());
    case "look":
      return JSON.stringify({
        unregistered: left.unregistered,
        lost: round.lost,
        failed: round.failed,
        missing: members.filter(({ complete }) => complete.size === 0).length,
      } satisfies Look);
    case "report":
      return JSON.stringify({ ...round, wrong: wrongViews() } satisfies RoundReport);
    default:
      throw new Error(`nobody knows what ${line} is`);
  }
}

function openMember(number: number): Member {
  const complete = new Set<WireLink>();
  const member: Member = {
    number,
    client: createClientWith(
      {
        clock: systemClock,
        random: systemRandom,
        dialer: notingDialer<WireLink>(dialer, {
          opened: (address) => ({ address, answered: new Set(), pushed: new Set() }),
          took: (link, bytes) => took(member, link, bytes),
          ended: (link) => dropped(member, link),
        }),
      },
      { servers: servers.split(","), name: `client-${number}` },
    ),
    views: new Map(),
    complete,
    pushed: new PushedContent(),
  };
  member.client.on("retrying", ({ error: { message } }) => {
    const what = message.replaceAll(/\d+/g, "#");
    round.failed[what] = (round.failed[what] ?? 0) + 1;
  });
  return member;
}

function took(member: Member, link: WireLink, bytes: Uint8Array): void {
  const { results, pushes } = serverMessageFromBytes(bytes);
  for (const { sequence, outcome } of results) if (outcome.kind === "applied") link.answered.add(sequence);
  for (const push of pushes) {
    if (member.pushed.isUnchanged(push)) round.unchanged++;
    link.pushed.add(textFromServiceKey(push.key));
  }
  const isComplete =
    link.answered.size >= registeredBy(member.number, services).length &&
    link.pushed.size >= subscribedBy(member.number, services).length;
  if (!isComplete || member.complete.has(link)) return;
  if (member.complete.size === 0) round.restoredAt.push(now());
  member.complete.add(link);
}

function dropped(member: Member, link: WireLink): void {
  if (member.complete.delete(link) && member.complete.size === 0) round.lost++;
}

async function subscribe({ client, number, views }: Member): Promise<void> {
  for (const service of subscribedBy(number, services)) {
    views.set(service, undefined);
    const subscription = client.subscribe(service);
    subscription.onChange((view) => {
      round.shown++;
      views.set(service, view);
    });
    await subscription.ready;
  }
}

async function register(member: Member): Promise<void> {
  await Promise.all(
    registeredBy(member.number, services).map(({ service, id }) =>
      member.client.register({ service, id, address: "10.0.0.1:8080", protocol: "http" }),
    ),
  );
  left.unregistered--;
}

/** Does something with client after client, with a few at a time; they are opened when it is first their turn. */
async function inTurn(what: (member: Member) => Promise<void>): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      await what((members[index] ??= openMember(first + index)));
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
}

/** Views that are not exactly what is registered. */
function wrongViews(): number {
  let wrong = 0;
  for (const { views } of members)
    for (const [service, view] of views) {
      const ids = expected.get(service)!;
      if (view?.instances.length !== ids.size || !view.instances.every(({ id }) => ids.has(id))) wrong++;
    }
  return wrong;
}

function places(): Places {
  const places: Record<string, number> = {};
  for (const { complete } of members)
    for (const { address } of [...complete].slice(-1)) places[address] = (places[address] ?? 0) + 1;
  return places;
}

function expectedIds(): ReadonlyMap<string, ReadonlySet<string>> {
  const ids = new Map(Array.from({ length: services }, (_, index) => [`bench-${index}`, new Set<string>()]));
  for (let number = 0; number < clients; number++)
    for (const { service, id } of registeredBy(number, services)) ids.get(service)!.add(id);
  return ids;
}
