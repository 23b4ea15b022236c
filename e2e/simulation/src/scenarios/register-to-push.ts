/**
 * The first scenario: providers come, change and go, subscribers look on through different filters, and whatever
 * happens to the network, in the end everybody sees who is there.
 */

import { RecordedClient, type Endpoint } from "../recorded-client.ts";
import type { Scenario, World } from "../world.ts";

const SERVICES = ["orders", "payments", "stock"];
const PROTOCOLS = ["http", "grpc"];
const RELEASES = ["1.0", "1.1", "2.0"];
const FILTERS = [{}, { protocol: "http" }, { metadata: { release: ["1.1", "2.0"] } }];
const PROVIDERS = 4;
const STEPS = 40;
/** Instances per provider and service: few, so that ids are reused after they were unregistered. */
const INSTANCES = 3;

export const registerToPush: Scenario = {
  name: "register to push",
  async run(world) {
    const { random } = world;
    for (const [index, filter] of FILTERS.entries()) {
      const subscriber = new RecordedClient(`subscriber-${index + 1}`, world);
      for (const service of SERVICES) subscriber.subscribe(service, filter);
    }
    const providers = Array.from(
      { length: PROVIDERS },
      (_, index) => new RecordedClient(`provider-${index + 1}`, world),
    );
    for (let step = 0; step < STEPS; step++) {
      act(random.pick(providers), world);
      await world.elapse(random.between(0, 400));
    }
    const [leaver, ...stayers] = random.shuffle(providers);
    const leaving = leaver!.close();
    for (const provider of stayers) act(provider, world);
    world.calm();
    await leaving;
    world.history.record({ kind: "faults over" });
    // Everybody stays until the history is judged: the world closes its clients.
    await world.elapse(world.settleMs);
  },
};

function act(provider: RecordedClient, { random }: World): void {
  const present = provider.registered;
  const what = random.int(10);
  if (present.length > 0 && what < 3) provider.unregister(random.pick(present));
  else if (present.length > 0 && what < 6) provider.update(random.pick(present), endpointOf(provider.name, random));
  else {
    const service = random.pick(SERVICES);
    const instanceId = `${provider.name}.${random.int(INSTANCES)}`;
    if (provider.mayRegister(service, instanceId))
      provider.register(service, instanceId, endpointOf(provider.name, random));
  }
}

function endpointOf(provider: string, random: World["random"]): Endpoint {
  return {
    address: `${provider}.test:${8000 + random.int(100)}`,
    protocol: random.pick(PROTOCOLS),
    release: random.pick(RELEASES),
  };
}
