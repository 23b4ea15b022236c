/** Whatever a user does and whatever happens to frames and links: when the faults are over, all is as it is wanted. */

import { instanceFromInput, serviceKey, type Instance } from "@rollcall/core";
import { bytesFromInstance, instanceFromBytes } from "@rollcall/protocol";
import { SeededRandom, SimClock, SimNetwork } from "@rollcall/testing";
import * as fc from "fast-check";
import { expect, test } from "vitest";

import { createClientWith, type Client, type Registration, type ServiceView, type Subscription } from "../src/index.ts";
import { CLIENT_ADDRESS, outcomeOf } from "./fake-session.ts";
import { ModelSession } from "./model-session.ts";

const SERVICES = ["orders", "billing"] as const;
const ADDRESSES = ["session-1:1", "session-2:1"] as const;

const id = fc.constantFrom("a", "b");
const service = fc.constantFrom(...SERVICES);
const weight = fc.integer({ min: 0, max: 5 });
const action = fc.oneof(
  fc.record({ kind: fc.constant("register"), service, id, weight }),
  fc.record({ kind: fc.constant("unregister"), service, id }),
  fc.record({ kind: fc.constant("other"), service, id, weight }),
  fc.record({ kind: fc.constant("other gone"), service, id }),
  fc.record({ kind: fc.constant("subscribe"), service }),
  fc.record({ kind: fc.constant("close"), service }),
  fc.record({ kind: fc.constant("wait"), ms: fc.nat({ max: 4_000 }) }),
  fc.record({ kind: fc.constant("wait a little"), ms: fc.nat({ max: 3 }) }),
  fc.record({ kind: fc.constant("cut") }),
  fc.record({ kind: fc.constant("another cluster") }),
  fc.record({ kind: fc.constant("doubt") }),
  fc.record({ kind: fc.constant("no doubt") }),
);
type Action = typeof action extends fc.Arbitrary<infer Value> ? Value : never;

const probability = fc.constantFrom(0, 0.05, 0.3);
const faults = fc.record({
  loss: probability,
  duplication: probability,
  reorder: probability,
  reset: fc.constantFrom(0, 0.02),
});

class Run {
  readonly clock = new SimClock();
  readonly network: SimNetwork;
  readonly model = new ModelSession(this.clock);
  readonly client: Client;
  readonly registrations = new Map<string, Registration>();
  readonly outcomes: ReturnType<typeof outcomeOf>[] = [];
  /** Each service is subscribed to at most once: a stream that reorders may swap "unsubscribe" and "subscribe". */
  readonly subscriptions = new Map<string, { subscription: Subscription; views: ServiceView[]; open: boolean }>();

  constructor(seed: number) {
    const random = new SeededRandom(seed);
    this.network = new SimNetwork({ clock: this.clock, random });
    for (const address of ADDRESSES) this.network.host(address, this.model.routes);
    this.client = createClientWith(
      { clock: this.clock, random: random.fork("client"), dialer: this.network.dialer(CLIENT_ADDRESS), clientId: "c" },
      { servers: ADDRESSES },
    );
  }

  async do(action: Action): Promise<void> {
    switch (action.kind) {
      case "register": {
        const name = `${action.service}/${action.id}`;
        const input = { address: "10.0.0.1:1", id: action.id, weight: action.weight };
        const known = this.registrations.get(name);
        const registration = known ?? this.client.register({ ...input, service: action.service });
        this.registrations.set(name, registration);
        this.outcomes.push(outcomeOf(registration.update({ weight: action.weight })));
        return;
      }
      case "unregister": {
        const name = `${action.service}/${action.id}`;
        const registration = this.registrations.get(name);
        this.registrations.delete(name);
        if (registration !== undefined) this.outcomes.push(outcomeOf(registration.unregister()));
        return;
      }
      case "other": {
        const input = { address: "10.0.0.2:1", id: `other-${action.id}`, weight: action.weight };
        const instance = instanceFromInput(input, () => input.id);
        return this.model.put(keyOf(action.service), { id: input.id, bytes: bytesFromInstance(instance) });
      }
      case "other gone":
        return this.model.remove(keyOf(action.service), `other-${action.id}`);
      case "subscribe": {
        if (this.subscriptions.has(action.service)) return;
        const views: ServiceView[] = [];
        const subscription = this.client.subscribe(action.service);
        subscription.onChange((view) => void views.push(view));
        this.subscriptions.set(action.service, { subscription, views, open: true });
        return;
      }
      case "close": {
        const known = this.subscriptions.get(action.service);
        if (known === undefined) return;
        known.subscription.close();
        known.open = false;
        return;
      }
      case "wait":
      case "wait a little":
        return this.clock.runFor(action.ms);
      case "cut":
        return this.network.reset(CLIENT_ADDRESS);
      case "doubt":
      case "no doubt":
        return this.model.beSure(action.kind === "no doubt");
      case "another cluster":
        this.model.becomeAnotherCluster();
        return this.network.reset(CLIENT_ADDRESS);
    }
  }

  /** What the registry holds of a service, by id. */
  content(service: string): Instance[] {
    const instances = [...this.model.datum(keyOf(service)).instances()].map(({ bytes }) => instanceFromBytes(bytes));
    return instances.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }
}

function keyOf(service: string) {
  return serviceKey({ service });
}

function assertConverged(run: Run): void {
  const { client, registrations, outcomes, subscriptions } = run;
  expect(client.state).toBe("connected");
  expect(outcomes.map(({ settled }) => settled)).not.toContain(false);
  for (const service of SERVICES) {
    const own = run.content(service).filter(({ id }) => !id.startsWith("other-"));
    const wanted = [...registrations.values()].filter((registration) => registration.service.service === service);
    expect(own).toEqual(wanted.map(({ instance }) => instance).toSorted((a, b) => (a.id < b.id ? -1 : 1)));
  }
  for (const [service, { subscription, views }] of [...subscriptions].filter(([, { open }]) => open)) {
    expect(subscription.current()).toMatchObject({ confirmed: true, instances: run.content(service) });
    expect(views.at(-1)?.instances).toEqual(subscription.current()?.instances);
  }
  for (const { views } of subscriptions.values()) {
    const texts = views.map(({ instances }) => JSON.stringify(instances));
    const repeated = texts.filter((text, index) => text === texts[index - 1]);
    expect(repeated, "a callback brings something new").toEqual([]);
    const worse = views.filter(({ confirmed }, index) => !confirmed && views[index - 1]?.confirmed);
    expect(worse, "what was confirmed is replaced by nothing less").toEqual([]);
  }
}

test("converges after any actions under any loss, duplication, reordering and breaking of links", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      faults,
      fc.array(action, { maxLength: 60, size: "max" }),
      async (seed, faults, actions) => {
        const run = new Run(seed);
        run.network.setFaults("all", { ...faults, jitterMs: 2 });
        for (const action of actions) await run.do(action);
        run.network.calm();
        run.model.beSure(true);
        await run.clock.runFor(30_000);
        assertConverged(run);
        const before = run.network.carried.frames;
        await run.clock.runFor(60_000);
        // Of two intervals at most.
        const summaries = run.network.carried.frames - before;
        expect(summaries, "nothing is said when nothing happens, but for a summary").toBeLessThanOrEqual(2);
      },
    ),
    { numRuns: 300 },
  );
});
