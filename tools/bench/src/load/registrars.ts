/**
 * Clients that register, in a process of their own, each with a connection of its own.
 *
 *     registrars.ts KIND ADDRESS COUNT FIRST [LEASE_MS]
 */

import { onLines } from "../child.ts";
import { connectClient } from "../clients/connect.ts";
import type { Entry, RegistryClient } from "../clients/registry-client.ts";
import { quantileOf } from "../harness/statistics.ts";
import type { RegistryKind } from "../registries/registry.ts";
import { inTurns } from "./in-turns.ts";
import { serviceName, type RegisterReport, type RegistrarCommand } from "./words.ts";

const [kind, address, countText, firstText, leaseText] = process.argv.slice(2) as [RegistryKind, ...string[]] &
  [string, string, string, string];
const leaseMs = leaseText === undefined ? undefined : Number(leaseText);
const count = Number(countText);
const first = Number(firstText);

/** Connections that are opened at a time: less than any server's backlog. */
const CONNECTING_MAX = 32;

const clients: RegistryClient[] = [];
const joins = { count: 0 };

onLines((line) => void answer(JSON.parse(line) as RegistrarCommand));

async function answer(command: RegistrarCommand): Promise<void> {
  process.stdout.write(`${JSON.stringify(await obey(command))}\n`);
}

async function obey(command: RegistrarCommand): Promise<RegisterReport | Record<string, never>> {
  switch (command.kind) {
    case "join": {
      const time = ++joins.count;
      await inTurns(count, CONNECTING_MAX, async (index) => {
        clients[index] = await connectClient(kind, address, `registrar-${first + index}-${time}`, { leaseMs });
      });
      return {};
    }
    case "register":
      return register(command);
    case "leave":
      await Promise.all(clients.map((client) => client.close()));
      clients.length = 0;
      return {};
  }
}

async function register({
  round,
  each,
  batch,
  unanswered,
  services,
  firstService = 0,
  perSecond,
}: Extract<RegistrarCommand, { kind: "register" }>): Promise<RegisterReport> {
  const latencies: number[] = [];
  const counts = { acknowledged: 0, errors: 0 };
  const one = async (client: RegistryClient, number: number, from: number): Promise<void> => {
    const entries: Entry[] = [];
    for (let index = from; index < Math.min(from + batch, each); index++) {
      // Neighbours in time are of different services, as they are of different programs.
      const service = serviceName(firstService + ((number + index * SPREAD) % services));
      entries.push({ service, id: `${number}-${round}-${index}` });
    }
    const sentAt = performance.now();
    try {
      if (batch === 1) await client.register(entries[0]!.service, entries[0]!.id);
      else await client.registerAll(entries);
      counts.acknowledged += entries.length;
      latencies.push(performance.now() - sentAt);
    } catch (thrown) {
      if (counts.errors === 0) process.stderr.write(`${kind}: ${String(thrown)}\n`);
      counts.errors += entries.length;
    }
  };
  const beganAt = performance.now();
  const dueAfterMs = (turn: number, index: number): number =>
    perSecond === undefined ? 0 : ((turn * clients.length + index) * 1_000) / perSecond;
  await Promise.all(
    clients.map((client, index) =>
      inTurns(Math.ceil(each / batch), unanswered, async (turn) => {
        const earlyMs = beganAt + dueAfterMs(turn, index) - performance.now();
        if (earlyMs > 0) await new Promise((resolve) => setTimeout(resolve, earlyMs));
        await one(client, first + index, turn * batch);
      }),
    ),
  );
  return { ...counts, p50Ms: quantileOf(latencies, 0.5), p99Ms: quantileOf(latencies, 0.99) };
}

const SPREAD = 257;
