import { RegistryError, type FilterInput, type RegisterInput, type ServiceInput } from "@rollcall/sdk";
import { expect, test } from "vitest";

import type { ContractRegistry } from "../client-contract.ts";
import { Watched, clientOf } from "../watched.ts";

const text = (length: number): string => "x".repeat(length);
const entries = (count: number, value = ""): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, value]));

/** What is wrong with a registration: the field, and the reason. */
const registrations: readonly [RegisterInput, field: string, reason: "invalid_field" | "limit_exceeded"][] = [
  [{ service: "", address: "a:1" }, "service", "invalid_field"],
  [{ service: text(256), address: "a:1" }, "service", "invalid_field"],
  [{ service: "s", namespace: text(64), address: "a:1" }, "namespace", "invalid_field"],
  [{ service: "s", group: "a b", address: "a:1" }, "group", "invalid_field"],
  [{ service: "s", address: "nowhere" }, "instance.address", "invalid_field"],
  [{ service: "s", address: "a:65536" }, "instance.address", "invalid_field"],
  [{ service: "s", address: "a:1", id: text(129) }, "instance.id", "invalid_field"],
  [{ service: "s", address: "a:1", protocol: text(33) }, "instance.protocol", "invalid_field"],
  [{ service: "s", address: "a:1", zone: text(64) }, "instance.zone", "invalid_field"],
  [{ service: "s", address: "a:1", weight: 10_001 }, "instance.weight", "invalid_field"],
  [{ service: "s", address: "a:1", metadata: entries(65) }, "instance.metadata", "limit_exceeded"],
  [{ service: "s", address: "a:1", metadata: entries(8, text(1_024)) }, "instance.metadata", "limit_exceeded"],
  [{ service: "s", address: "a:1", payload: new Uint8Array(16_385) }, "instance.payload", "limit_exceeded"],
];

const subscriptions: readonly [ServiceInput, FilterInput, field: string, reason: string][] = [
  ["", {}, "service", "invalid_field"],
  [{ service: "s", group: text(64) }, {}, "group", "invalid_field"],
  ["s", { protocol: text(33) }, "filter.protocol", "invalid_field"],
  ["s", { metadata: { k: [] } }, 'filter.metadata["k"]', "invalid_field"],
  ["s", { metadata: entries(17) }, "filter.metadata", "limit_exceeded"],
];

export function refusing(registry: () => ContractRegistry): void {
  test("a registration that breaks a rule is refused at once, with field, limit and value", async () => {
    const client = clientOf(registry());
    for (const [input, field, reason] of registrations) {
      const error = thrownBy(() => client.register(input));
      expect([error.reason, error.subject?.field], JSON.stringify(input).slice(0, 80)).toEqual([reason, field]);
      expect(error.subject?.limit).not.toBe("");
      expect(error.message).toContain(error.subject!.value);
    }
    // What is fine beside it is not touched.
    await client.register({ service: "refused-beside", address: "a:1" });
  });

  test("a subscription that breaks a rule is refused at once, and a look rejects", async () => {
    const client = clientOf(registry());
    for (const [service, filter, field, reason] of subscriptions) {
      const error = thrownBy(() => client.subscribe(service, filter));
      expect([error.reason, error.subject?.field]).toEqual([reason, field]);
      await expect(client.resolve(service, filter)).rejects.toMatchObject({ reason, subject: { field } });
    }
  });

  test("an update that breaks a rule is refused, and what is registered stays", async () => {
    const client = clientOf(registry());
    const registration = await client.register({ service: "refused-update", id: "a", address: "a:1", weight: 5 });
    await expect(registration.update({ weight: -1 })).rejects.toMatchObject({
      reason: "invalid_field",
      subject: { field: "instance.weight", value: "-1" },
    });
    expect(registration.instance.weight).toBe(5);
    const watched = new Watched(client, "refused-update");
    await watched.until(({ instances }) => expect(instances).toMatchObject([{ weight: 5 }]));
  });

  test("an option that makes no sense is refused, by its name", () => {
    for (const [options, field] of [
      [{ agent: text(129) }, "agent"],
      [{ closeTimeoutMs: -1 }, "closeTimeoutMs"],
      [{ resolveTimeoutMs: Number.NaN }, "resolveTimeoutMs"],
      [{ namespace: text(64) }, "namespace"],
    ] as const) {
      const error = thrownBy(() => registry().client(options));
      expect([error.reason, error.subject?.field]).toEqual(["invalid_field", field]);
    }
  });
}

function thrownBy(call: () => unknown): RegistryError {
  try {
    call();
  } catch (thrown) {
    if (thrown instanceof RegistryError) return thrown;
    throw thrown;
  }
  return expect.unreachable("nothing was thrown");
}
