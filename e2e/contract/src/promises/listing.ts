import type { ServiceList, ServiceViews, SubscriptionTo } from "@rollcall/sdk";
import { expect, test } from "vitest";

import type { ContractRegistry } from "../client-contract.ts";
import { clientOf, eventually } from "../watched.ts";

const address = "10.0.0.1:80";

/** Everything that a subscription shows, in words. */
function shownIn<View>(subscription: SubscriptionTo<View>, inWords: (view: View) => string): string[] {
  const shown: string[] = [];
  subscription.onChange((view) => void shown.push(inWords(view)));
  return shown;
}

const namesIn = ({ services }: ServiceList): string => services.map(({ service }) => service).join(" ");

const sizesIn = (views: ServiceViews): string =>
  [...views]
    .map(([name, { instances }]) => `${name}:${instances.length}`)
    .toSorted()
    .join(" ");

export function listing(registry: () => ContractRegistry): void {
  test("a list of services has those with an instance, and changes with the first and the last of one", async () => {
    const [provider, consumer] = [clientOf(registry()), clientOf(registry())];
    const namespace = "listed";
    const shown = shownIn(consumer.subscribeServices({ namespace }), namesIn);
    await eventually(() => expect(shown).toEqual([""]));
    const a = await provider.register({ namespace, service: "a", id: "1", address });
    await eventually(() => expect(shown.at(-1)).toBe("a"));
    const second = await provider.register({ namespace, service: "a", id: "2", address });
    await provider.register({ namespace, service: "b", address });
    await eventually(() => expect(shown.at(-1)).toBe("a b"));
    for (const each of [a, second]) await each.unregister();
    await eventually(() => expect(shown).toEqual(["", "a", "a b", "b"]));
  });

  test("a list is seen through a group and a prefix", async () => {
    const [provider, consumer] = [clientOf(registry()), clientOf(registry())];
    const namespace = "list-patterns";
    await provider.register({ namespace, service: "orders.in", address });
    await provider.register({ namespace, service: "orders.out", group: "blue", address });
    await provider.register({ namespace, service: "users", group: "blue", address });
    const ofGroup = shownIn(consumer.subscribeServices({ namespace, group: "blue" }), namesIn);
    const ofPrefix = shownIn(consumer.subscribeServices({ namespace, prefix: "orders." }), namesIn);
    await eventually(() =>
      expect([ofGroup.at(-1), ofPrefix.at(-1)]).toEqual(["orders.out users", "orders.out orders.in"]),
    );
  });

  test("all services with a prefix are one subscription, which they join and leave", async () => {
    const [provider, consumer] = [clientOf(registry()), clientOf(registry())];
    const shown = shownIn(consumer.subscribePrefix("joined-"), sizesIn);
    await eventually(() => expect(shown).toEqual([""]));
    const a = await provider.register({ service: "joined-a", address });
    await provider.register({ service: "joined-b", address });
    await eventually(() => expect(shown.at(-1)).toBe("joined-a:1 joined-b:1"));
    await a.unregister();
    await eventually(() => expect(shown.at(-1)).toBe("joined-b:1"));
  });

  test("a list that nobody follows any more is told to nobody", async () => {
    const [provider, consumer] = [clientOf(registry()), clientOf(registry())];
    const namespace = "list-closed";
    const closed = consumer.subscribeServices({ namespace });
    const shown = shownIn(closed, namesIn);
    const beside = shownIn(consumer.subscribeServices({ namespace, group: "default" }), namesIn);
    await eventually(() => expect([shown, beside]).toEqual([[""], [""]]));
    closed.close();
    await provider.register({ namespace, service: "a", address });
    await eventually(() => expect(beside.at(-1)).toBe("a"));
    expect(shown).toEqual([""]);
  });
}
