import { SERVICE_EVENT_KINDS, epoch, type ServiceEvent } from "@rollcall/core";
import { describe, expect, test } from "vitest";
import { sentenceOf, storyOf, type NodeMemory } from "../src/story.ts";

const event = (kind: ServiceEvent["kind"], agoUs: number, change: Partial<ServiceEvent> = {}): ServiceEvent => ({
  kind,
  agoUs,
  lastedUs: 0,
  version: { epoch: epoch(1), counter: 1 },
  instanceId: "",
  who: [],
  count: 1,
  via: "",
  why: "",
  ...change,
});

const leader: NodeMemory = {
  nodeId: "data-1",
  role: "data",
  answeredAt: 100,
  events: [event("registered", 5_000), event("notified", 4_000, { who: ["session-1#3"] }), event("confirmed", 1_000)],
};

const told = (events: readonly ServiceEvent[], answeredAt = 100): NodeMemory => ({
  nodeId: "session-1",
  role: "session",
  answeredAt,
  events,
});

const kinds = (memories: readonly NodeMemory[]) => storyOf(memories).map((line) => line.event.kind);

describe("a story", () => {
  test("is in the order in which things happened, whichever node they happened on", () => {
    const session = told([event("came", 3_000, { via: "data-1" }), event("pushed", 2_000)]);
    expect(kinds([session, leader])).toEqual(["registered", "notified", "came", "pushed", "confirmed"]);
  });

  test("has no session hear of a version before it was told, however late its answer came", () => {
    const session = told([event("came", 3_000, { via: "data-1" }), event("pushed", 2_900)], 97);
    const story = storyOf([session, leader]);
    expect(story.map((line) => line.event.kind)).toEqual(["registered", "notified", "came", "pushed", "confirmed"]);
    // What came after it is as much later than it as it was.
    expect(story[3]!.at - story[2]!.at).toBeCloseTo(0.1);
  });

  test("leaves what was told to another session as it is", () => {
    const other = { ...told([event("came", 6_000, { via: "data-1" })]), nodeId: "session-2" };
    expect(kinds([other, leader])).toEqual(["came", "registered", "notified", "confirmed"]);
  });
});

// What came from the leader is about nobody but the node itself, and what probes have found about an instance alone.
const aboutNobody: readonly ServiceEvent["kind"][] = ["came", "unhealthy", "healthy"];
test.each(SERVICE_EVENT_KINDS.filter((kind) => !aboutNobody.includes(kind)))(
  "%s is told in words, with whom it is about",
  (kind) => {
    const who = Array.from({ length: 16 }, (_, index) => `client-${index}`);
    const sentence = sentenceOf(event(kind, 0, { who, count: 10_000, instanceId: "i", via: "n-1", why: "so it is" }));
    expect(sentence).toContain("client-0, client-1, client-2, 9997 more");
    expect(sentence).not.toContain("undefined");
  },
);

test("what probes have found, and what an operator has put, is told without anybody who said so", () => {
  const words = (kind: ServiceEvent["kind"], why: string) => sentenceOf(event(kind, 0, { instanceId: "i", why }));
  expect(words("unhealthy", "its probe failed: refused")).toBe("marked i unhealthy: its probe failed: refused");
  expect(words("healthy", "it answers its probe again")).toBe("took the mark from i: it answers its probe again");
  expect(words("registered", "an operator has put it")).toBe("took in i: an operator has put it");
});
