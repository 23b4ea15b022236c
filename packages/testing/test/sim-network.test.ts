import { RegistryError } from "@rollcall/core";
import { describe, expect, test } from "vitest";
import { METHOD, frame, listening, network, words } from "./network-fixture.ts";

describe("a link on a quiet network", () => {
  test("carries frames both ways in order, those sent before it is up included", async () => {
    const { clock, accepted, dial } = network();
    const client = dial();
    client.stream.send(frame("one"));
    client.stream.send(frame("two"));
    await clock.runUntil(5);
    accepted[0]!.stream.send(frame("answer"));
    await clock.runUntil(10);
    expect(accepted[0]!.heard).toEqual(["0.5 one", "0.5 two"]);
    expect(client.heard).toEqual(["5.5 answer"]);
  });

  test("tells both ends of an orderly end, after what was sent before it", async () => {
    const { clock, sim, accepted, dial } = network();
    const client = dial();
    client.stream.send(frame("last words"));
    client.stream.close();
    client.stream.close();
    await clock.runUntil(10);
    expect(accepted[0]!.heard).toEqual(["0.5 last words", "0.5 closed"]);
    expect(client.heard).toEqual(["0 closed"]);
    expect(sim.links).toBe(0);
  });

  test("carries the error it is closed with, without its cause", async () => {
    const { clock, accepted, dial } = network();
    const client = dial();
    await clock.runUntil(5);
    accepted[0]!.stream.close(new RegistryError("not_ready", "still loading", { cause: new Error("secret") }));
    await clock.runUntil(10);
    expect(client.heard).toEqual(["5.5 closed not_ready: still loading"]);
  });

  test("swallows what is sent to a closed link and lets nobody hear anything after the end", async () => {
    const { clock, accepted, dial } = network();
    const client = dial();
    await clock.runUntil(5);
    accepted[0]!.stream.send(frame("under way"));
    client.stream.close();
    client.stream.send(frame("too late"));
    await clock.runUntil(10);
    expect(words(client.heard)).toEqual(["closed"]);
    expect(words(accepted[0]!.heard)).toEqual(["closed"]);
  });

  test("refuses a dial where nobody listens and a method that is not there", async () => {
    const { clock, sim, dial } = network();
    const nowhere = dial("client", "nowhere");
    const unknown = listening(sim.dialer("client").dial("server", "/other"), clock);
    await clock.runUntil(10);
    expect(nowhere.heard).toEqual(["1 closed unavailable: nothing listens at nowhere"]);
    expect(unknown.heard).toEqual(["1 closed protocol_violation: server has no method /other"]);
  });

  test("keeps links when their host no longer accepts new ones", async () => {
    const { clock, sim, accepted, dial } = network();
    const early = dial();
    await clock.runUntil(1);
    sim.unhost("server");
    const late = dial();
    early.stream.send(frame("still here"));
    await clock.runUntil(10);
    expect(words(accepted[0]!.heard)).toEqual(["still here"]);
    expect(words(late.heard)).toEqual(["closed unavailable: nothing listens at server"]);
  });

  test("fails the run when a handler does not listen at once", async () => {
    const { clock, sim } = network();
    sim.host("careless", new Map([[METHOD, () => {}]]));
    listening(sim.dialer("client").dial("careless", METHOD), clock);
    await expect(clock.runUntil(10)).rejects.toThrow("listens at once");
  });
});

describe("faults of frames", () => {
  const numbers = Array.from({ length: 200 }, (_, index) => String(index));

  async function carried(faults: Parameters<ReturnType<typeof network>["sim"]["setFaults"]>[1], seed = 1) {
    const { clock, sim, accepted, dial } = network({ seed });
    sim.setFaults("all", faults);
    const client = dial();
    for (const number of numbers) client.stream.send(frame(number));
    await clock.runUntil(1_000);
    return words(accepted[0]!.heard);
  }

  test("jitter delays and keeps the order", async () => {
    expect(await carried({ delayMs: 50, jitterMs: 100 })).toEqual(numbers);
  });

  test("loss takes about its share, duplication adds about its share", async () => {
    const left = await carried({ loss: 0.3 });
    expect(left.length).toBeGreaterThan(110);
    expect(left.length).toBeLessThan(170);
    const doubled = await carried({ duplication: 0.3 });
    expect(doubled.length).toBeGreaterThan(230);
    expect(new Set(doubled).size).toBe(200);
  });

  test("reordering lets frames overtake and loses none", async () => {
    const heard = await carried({ reorder: 0.5, reorderMs: 20 });
    expect(heard).not.toEqual(numbers);
    expect(heard.toSorted((a, b) => Number(a) - Number(b))).toEqual(numbers);
  });

  test("a seed repeats exactly", async () => {
    const faults = { loss: 0.2, duplication: 0.2, reorder: 0.2, jitterMs: 10 };
    expect(await carried(faults, 3)).toEqual(await carried(faults, 3));
    expect(await carried(faults, 3)).not.toEqual(await carried(faults, 4));
  });

  test("the rule of a pair wins over that of a node, which wins over that for all, until it is taken away", async () => {
    const { clock, sim, accepted, dial } = network();
    sim.setFaults("all", { delayMs: 10 });
    sim.setFaults({ node: "client" }, { delayMs: 20 });
    sim.setFaults({ between: ["server", "client"] }, { delayMs: 30 });
    const client = dial();
    client.stream.send(frame("one"));
    await clock.runUntil(100);
    sim.setFaults({ between: ["client", "server"] }, {});
    client.stream.send(frame("two"));
    await clock.runUntil(200);
    sim.setFaults({ node: "client" }, {});
    client.stream.send(frame("three"));
    await clock.runUntil(300);
    expect(accepted[0]!.heard).toEqual(["30 one", "120 two", "210 three"]);
  });

  test("a reset is found out by both ends and takes what is under way", async () => {
    const { clock, sim, accepted, dial } = network();
    const client = dial();
    await clock.runUntil(5);
    client.stream.send(frame("under way"));
    sim.reset("server", "client");
    await clock.runUntil(10);
    expect(client.heard).toEqual(["5.5 closed unavailable: the link was reset"]);
    expect(accepted[0]!.heard).toEqual(["5.5 closed unavailable: the link was reset"]);
  });
});
