/**
 * What clients do in every scenario: providers come, change, go and come again under the same ids, some crash and are
 * replaced, and subscribers look on through different filters. Each step draws from a source of its own, so that a run
 * without one of them is otherwise the same.
 */

import type { SeededRandom } from "@rollcall/testing";

import { Operator } from "./operator.ts";
import { RecordedClient, type Endpoint } from "./recorded-client.ts";
import type { World } from "./world.ts";

export const SERVICES = ["orders", "payments", "stock"];
const PROTOCOLS = ["http", "grpc"];
const RELEASES = ["1.0", "1.1", "2.0"];
const FILTERS = [{}, { protocol: "http" }, { metadata: { release: ["1.1", "2.0"] } }];
export const PROVIDERS = 4;
/** Instances per provider and service: few, so that ids are reused after they were unregistered. */
export const INSTANCES = 3;

export interface WorkloadOptions {
  /** Whether somebody looks at lists of services as well. */
  readonly lists?: boolean | undefined;
  /** Clients that are connected and look at one service each. By default none. */
  readonly bystanders?: number | undefined;
  /** Instances of each service that are there all the time and are probed. By default none. */
  readonly residents?: number | undefined;
  /** Whether an operator switches things off and on meanwhile, where there is one. */
  readonly operator?: boolean | undefined;
  readonly steps: number;
  /** Time between two steps: evenly from 0 up to this, in milliseconds. */
  readonly stepMaxMs: number;
  /** Probability that a step is the crash of a provider, where the world can do that. */
  readonly crashes?: number | undefined;
}

export function workload(options: WorkloadOptions): (world: World) => Promise<void> {
  return async (world) => {
    openSubscribers(world);
    if (options.lists === true) openListers(world);
    openBystanders(world, options.bystanders ?? 0);
    openResidents(world, options.residents ?? 0);
    const operator =
      options.operator === true && world.decide !== undefined ? new Operator(SERVICES, world, world.decide) : undefined;
    operator?.begin();
    const providers = Array.from(
      { length: PROVIDERS },
      (_, index) => new RecordedClient(`provider-${index + 1}`, world),
    );
    for (let step = 1; step <= options.steps; step++) {
      const random = world.random.fork(`step ${step}`);
      if (world.leavesOut?.(`step ${step}`) !== true) takeStep(providers, random, world, options);
      await world.elapse(random.fork("pause").between(0, options.stepMaxMs));
    }
    await operator?.end();
    const [leaver, ...stayers] = world.random.fork("leaver").shuffle(providers);
    const leaving = leaver!.close();
    for (const provider of stayers) {
      if (world.leavesOut?.(`last step of ${provider.name}`) !== true)
        act(provider, world.random.fork(`last step of ${provider.name}`));
    }
    world.calm();
    await leaving;
    world.history.record({ kind: "faults over" });
    // Everybody stays until the history is judged: the world closes its clients.
    await world.elapse(world.settleMs);
  };
}

function openListers(world: World): void {
  const lister = new RecordedClient("lister", world);
  for (const prefix of ["", "o"]) lister.listServices(prefix);
}

function openBystanders(world: World, count: number): void {
  for (let number = 1; number <= count; number++)
    new RecordedClient(`bystander-${number}`, world).subscribe(SERVICES[number % SERVICES.length]!, {});
}

function openResidents(world: World, count: number): void {
  if (count === 0) return;
  const resident = new RecordedClient("resident", world);
  for (const service of SERVICES)
    for (let number = 1; number <= count; number++)
      resident.register(service, `resident.${number}`, {
        address: `resident.test:${number}`,
        protocol: "http",
        release: "1.1",
        probe: { kind: "tcp", intervalMs: 1_000, timeoutMs: 500 },
      });
}

function openSubscribers(world: World): void {
  for (const [index, filter] of FILTERS.entries()) {
    const subscriber = new RecordedClient(`subscriber-${index + 1}`, world);
    for (const service of SERVICES) subscriber.subscribe(service, filter);
  }
}

function takeStep(
  providers: RecordedClient[],
  random: SeededRandom,
  world: World,
  { crashes = 0 }: WorkloadOptions,
): void {
  const place = random.int(providers.length);
  const provider = providers[place]!;
  if (world.crashClient === undefined || !random.fork("crash").chance(crashes)) {
    act(provider, random);
    return;
  }
  provider.crash(world, { silent: random.chance(0.5) });
  providers[place] = new RecordedClient(nextName(provider.name), world);
}

/** `provider-1`, `provider-1.2`, `provider-1.3`: a process that was started again is another client. */
function nextName(name: string): string {
  const [stem, life] = name.split(".") as [string, string | undefined];
  return `${stem}.${Number(life ?? 1) + 1}`;
}

function act(provider: RecordedClient, random: SeededRandom): void {
  const present = provider.registered;
  const what = random.int(10);
  if (present.length > 0 && what < 1) provider.drain(random.pick(present));
  else if (present.length > 0 && what < 3) provider.unregister(random.pick(present));
  else if (present.length > 0 && what < 6) provider.update(random.pick(present), endpointOf(provider.name, random));
  else {
    const service = random.pick(SERVICES);
    const instanceId = `${provider.name}.${random.int(INSTANCES)}`;
    if (provider.mayRegister(service, instanceId))
      provider.register(service, instanceId, endpointOf(provider.name, random));
  }
}

function endpointOf(provider: string, random: SeededRandom): Endpoint {
  return {
    address: `${provider}.test:${8000 + random.int(100)}`,
    protocol: random.pick(PROTOCOLS),
    release: random.pick(RELEASES),
  };
}
