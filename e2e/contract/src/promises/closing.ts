import { expect, test } from "vitest";

import type { ContractRegistry } from "../client-contract.ts";
import { Watched, clientOf, eventually } from "../watched.ts";

const address = "10.0.0.1:80";

export function closing(registry: () => ContractRegistry): void {
  test("a client that is closed takes out all that it registered, and nothing else", async () => {
    const [provider, consumer] = [clientOf(registry()), clientOf(registry())];
    const services = ["closed-a", "closed-b", "closed-c"] as const;
    await consumer.register({ service: "closed-a", id: "stays", address });
    await Promise.all(services.map((service) => provider.register({ service, id: "goes", address })));
    const watched = services.map((service) => new Watched(consumer, service));
    await watched[0]!.untilIds("goes", "stays");
    await watched[1]!.untilIds("goes");
    await watched[2]!.untilIds("goes");
    await provider.close();
    await watched[0]!.untilIds("stays");
    await watched[1]!.untilIds();
    await watched[2]!.untilIds();
    expect(watched.map(({ last }) => last?.confirmed)).toEqual([true, true, true]);
  });

  test("closing is done once, is told, and never rejects", async () => {
    const client = clientOf(registry());
    let told = 0;
    client.on("closed", () => told++);
    await client.register({ service: "closed-once", address });
    const [first, second] = [client.close(), client[Symbol.asyncDispose]()];
    expect(client.state).toBe("closing");
    await Promise.all([first, second, client.close()]);
    expect(client.state).toBe("closed");
    expect(told).toBe(1);
  });

  test("from then on everything is refused with the reason closed", async () => {
    const client = clientOf(registry());
    const registration = await client.register({ service: "closed-after", address });
    const subscription = client.subscribe("closed-after");
    const unseen = client.subscribe("closed-unseen");
    const closed: unknown = expect.objectContaining({ reason: "closed" });
    const done = client.close();
    expect(() => client.register({ service: "closed-after", address })).toThrow(closed);
    expect(() => client.subscribe("closed-after")).toThrow(closed);
    await expect(client.resolve("closed-after")).rejects.toEqual(closed);
    await expect(registration.update({ weight: 1 })).rejects.toEqual(closed);
    await expect(unseen.ready).rejects.toEqual(closed);
    await done;
    for await (const _view of subscription) expect.unreachable("the loop has ended");
    let calls = 0;
    subscription.onChange(() => calls++);
    expect(calls).toBe(0);
  });

  test("a subscription that is closed before its first view says so", async () => {
    const client = clientOf(registry());
    const subscription = client.subscribe("closed-early");
    subscription[Symbol.dispose]();
    await expect(subscription.ready).rejects.toMatchObject({ reason: "closed" });
  });

  test("a client tells how it is: connecting, connected, closed", async () => {
    const client = clientOf(registry());
    expect(client.state).toBe("connecting");
    await eventually(() => expect(client.state).toBe("connected"));
    expect(client.id).not.toBe("");
    await client.close();
    expect(client.state).toBe("closed");
  });
}
