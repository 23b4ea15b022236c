import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EVENTS_PER_SERVICE_MAX, NAMED_MAX, SERVICE_EVENT_KINDS, ServiceEvents } from "../src/service-events.ts";
import { epoch, type Version } from "../src/version.ts";

const version = (counter: number): Version => ({ epoch: epoch(1), counter });

function startEvents(eventsMax?: number) {
  const time = { now: 0 };
  return { time, events: new ServiceEvents(() => time.now, eventsMax) };
}

test("an event is told with how long ago it was, and nothing that is not known", () => {
  const { time, events } = startEvents();
  events.record("orders", "registered", { version: version(1), instanceId: "i", who: "client-1", via: "session-1" });
  time.now = 1.5;
  const told = { agoUs: 1_500, lastedUs: 0, who: ["client-1"], count: 1, via: "session-1", why: "" };
  expect(events.of("orders")).toEqual([{ kind: "registered", version: version(1), instanceId: "i", ...told }]);
  expect(events.of("payments")).toEqual([]);
});

test("what happens to many at one version is one event, with the first by name and all by count", () => {
  const { time, events } = startEvents();
  for (let client = 0; client < 10_000; client++) {
    time.now = client / 100;
    events.record("orders", "pushed", { version: version(1), who: `client-${client}` });
    events.record("orders", "confirmed", { version: version(1), who: `client-${client}` });
  }
  const [pushed, confirmed, ...more] = events.of("orders");
  expect(more).toEqual([]);
  expect(pushed).toMatchObject({ kind: "pushed", count: 10_000, lastedUs: 99_990 });
  expect(pushed!.who).toHaveLength(NAMED_MAX);
  expect(confirmed).toMatchObject({ kind: "confirmed", count: 10_000 });
});

describe.each([
  ["another version", { version: version(2), who: "b" }],
  ["another reason", { version: version(1), who: "b", why: "it was held back" }],
  ["an instance", { version: version(1), who: "b", instanceId: "i" }],
] as const)("%s", (_what, other) => {
  test("is an event of its own", () => {
    const { events } = startEvents();
    events.record("orders", "pushed", { version: version(1), who: "a" });
    events.record("orders", "pushed", other);
    expect(events.of("orders").map(({ count }) => count)).toEqual([1, 1]);
  });
});

test("one who asks for few gets the newest", () => {
  const { events } = startEvents();
  for (let counter = 1; counter <= 5; counter++) events.record("orders", "came", { version: version(counter) });
  expect(events.of("orders", 2).map((event) => event.version?.counter)).toEqual([4, 5]);
});

test("a service that goes on is remembered, one that has been quiet for long is forgotten", () => {
  const { events } = startEvents(10);
  events.record("quiet", "came", { version: version(1) });
  for (let counter = 1; counter <= 50; counter++) {
    events.record("busy", "came", { version: version(counter), instanceId: "" });
    events.record(`other-${counter}`, "came", { version: version(counter) });
  }
  expect(events.of("quiet")).toEqual([]);
  expect(events.of("other-50")).toHaveLength(1);
});

test("a service to which much happens takes no more room from others than it has itself", () => {
  const { events } = startEvents(100);
  events.record("quiet", "came", { version: version(1) });
  for (let counter = 1; counter <= 1_000; counter++) events.record("busy", "came", { version: version(counter) });
  expect(events.of("busy").map((event) => event.version?.counter)).toEqual(
    Array.from({ length: EVENTS_PER_SERVICE_MAX }, (_, n) => 1_000 - EVENTS_PER_SERVICE_MAX + n + 1),
  );
  expect(events.of("quiet")).toHaveLength(1);
});

test("there are never more events than there is room for, whatever happens", () => {
  const services = fc.nat(30).map((service) => `service-${service}`);
  const happenings = fc.tuple(services, fc.constantFrom(...SERVICE_EVENT_KINDS), fc.nat(5));
  fc.assert(
    fc.property(fc.array(happenings, { maxLength: 500 }), (all) => {
      const { events } = startEvents(100);
      for (const [service, kind, counter] of all) {
        events.record(service, kind, { version: version(counter), instanceId: counter > 2 ? "i" : undefined });
        const [last] = events.of(service, 1);
        // What has just happened is remembered, unless it belongs to an event before.
        expect(last).toBeDefined();
        expect(events.of(service).length).toBeLessThanOrEqual(EVENTS_PER_SERVICE_MAX);
        expect(events.size).toBeLessThanOrEqual(100);
      }
      const names = new Set(all.map(([service]) => service));
      expect([...names].reduce((sum, name) => sum + events.of(name).length, 0)).toBe(events.size);
    }),
  );
});
