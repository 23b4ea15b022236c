import { describe, expect, test } from "vitest";
import { frame, network, words } from "./network-fixture.ts";

describe("a partition", () => {
  test("shorter than the keepalive only delays: order is kept and nothing is lost", async () => {
    const { clock, sim, accepted, dial } = network();
    const client = dial();
    client.stream.send(frame("before"));
    await clock.runUntil(100);
    sim.partition("client", "server");
    client.stream.send(frame("during one"));
    await clock.runUntil(1_000);
    client.stream.send(frame("during two"));
    sim.heal("client", "server");
    client.stream.send(frame("after"));
    await clock.runUntil(10_000);
    expect(accepted[0]!.heard).toEqual(["0.5 before", "1000.5 during one", "1000.5 during two", "1000.5 after"]);
    expect(client.heard).toEqual([]);
  });

  test("that lasts is found out by both ends within the keepalive time", async () => {
    const { clock, sim, accepted, dial } = network();
    const client = dial();
    await clock.runUntil(100);
    sim.partition("client", "server");
    await clock.runUntil(2_099);
    expect([client.heard, accepted[0]!.heard]).toEqual([[], []]);
    await clock.runUntil(4_100);
    expect(words(client.heard)).toEqual(["closed deadline_exceeded: no answer from server for the keepalive time"]);
    expect(words(accepted[0]!.heard)).toEqual([
      "closed deadline_exceeded: no answer from client for the keepalive time",
    ]);
    expect(sim.links).toBe(0);
  });

  test("in one direction stops answers too, so both ends find out", async () => {
    const { clock, sim, accepted, dial } = network();
    const client = dial();
    await clock.runUntil(100);
    sim.partition("server", "client", { oneWay: true });
    client.stream.send(frame("passes"));
    accepted[0]!.stream.send(frame("does not"));
    await clock.runUntil(5_000);
    expect(words(client.heard)).toEqual(["closed deadline_exceeded: no answer from server for the keepalive time"]);
    expect(words(accepted[0]!.heard).at(0)).toBe("passes");
    expect(words(accepted[0]!.heard).at(-1)).toContain("deadline_exceeded");
  });

  test("hides the end of a link until the keepalive time, or until it heals", async () => {
    const { clock, sim, accepted, dial } = network();
    const client = dial();
    await clock.runUntil(100);
    sim.partition("client", "server");
    client.stream.close();
    await clock.runUntil(1_000);
    expect(accepted[0]!.heard).toEqual([]);
    sim.heal();
    await clock.runUntil(1_001);
    expect(accepted[0]!.heard).toEqual(["1000.5 closed"]);
  });

  test("keeps a dial waiting until it heals or the keepalive time is over", async () => {
    const { clock, sim, accepted, dial } = network();
    sim.partition(["client", "other"], ["server"]);
    const patient = dial();
    const hopeless = dial("other");
    patient.stream.send(frame("hello"));
    await clock.runUntil(1_000);
    sim.heal("client", "server");
    await clock.runUntil(5_000);
    expect(accepted[0]!.heard).toEqual(["1000.5 hello"]);
    expect(words(hopeless.heard)).toEqual(["closed deadline_exceeded: no answer from server for the keepalive time"]);
  });

  test("leaves links between others alone", async () => {
    const { clock, sim, accepted, dial } = network();
    const other = dial("other");
    sim.partition("client", "server");
    other.stream.send(frame("hello"));
    await clock.runUntil(10_000);
    expect(words(accepted[0]!.heard)).toEqual(["hello"]);
    expect(other.heard).toEqual([]);
  });
});

describe("a process", () => {
  test("that is killed hears nothing more, and its kernel tells the other side", async () => {
    const { clock, sim, accepted, dial } = network();
    const client = dial();
    await clock.runUntil(5);
    client.stream.send(frame("to a dead one"));
    sim.crash("server");
    await clock.runUntil(10);
    expect(accepted[0]!.heard).toEqual([]);
    expect(client.heard).toEqual(["5.5 closed unavailable: the other process ended"]);
  });

  test("whose machine is lost is found out by keepalive, and new dials wait as long", async () => {
    const { clock, sim, dial } = network();
    const client = dial();
    await clock.runUntil(5);
    sim.crash("server", { silent: true });
    const redial = dial();
    await clock.runUntil(2_000);
    expect([client.heard, redial.heard]).toEqual([[], []]);
    await clock.runUntil(4_005);
    expect(words(client.heard)).toEqual(["closed deadline_exceeded: no answer from server for the keepalive time"]);
    expect(words(redial.heard)).toEqual(words(client.heard));
  });

  test("has a dead dialer after a crash and may live again with a new one", async () => {
    const { clock, sim, accepted, dial, routes } = network();
    const old = sim.dialer("client");
    sim.crash("client");
    old.dial("server", "/anything").send(frame("from the grave"));
    sim.crash("server", { silent: true });
    sim.host("server", routes);
    const reborn = dial();
    reborn.stream.send(frame("hello"));
    await clock.runUntil(5);
    expect(accepted.map(({ heard }) => heard)).toEqual([["0.5 hello"]]);
  });

  test("that is frozen is given up by others, and learns of it when it thaws", async () => {
    const { clock, sim, accepted, dial } = network();
    const client = dial();
    await clock.runUntil(5);
    sim.freeze("server");
    client.stream.send(frame("are you there"));
    await clock.runUntil(30_000);
    expect(words(client.heard)).toEqual(["closed deadline_exceeded: no answer from server for the keepalive time"]);
    expect(accepted[0]!.heard).toEqual([]);
    sim.thaw("server");
    await clock.runUntil(30_001);
    expect(words(accepted[0]!.heard)).toEqual([
      "are you there",
      "closed deadline_exceeded: the other side gave the link up",
    ]);
  });

  test("that does not read congests its senders, keeps its link and gets everything when it reads again", async () => {
    const { clock, sim, accepted, dial } = network();
    sim.setFaults("all", { windowBytes: 10 });
    const client = dial();
    await clock.runUntil(5);
    sim.pause("server");
    for (const message of ["aaaa", "bbbb", "cccc"]) client.stream.send(frame(message));
    expect(client.stream.congested).toBe(true);
    await clock.runUntil(60_000);
    expect(client.heard).toEqual([]);
    expect(sim.waitingBytes("server")).toBe(12);
    sim.resume("server");
    await clock.runUntil(60_010);
    expect(words(accepted[0]!.heard)).toEqual(["aaaa", "bbbb", "cccc"]);
    expect(words(client.heard)).toEqual(["drained"]);
    expect(client.stream.congested).toBe(false);
    expect(sim.waitingBytes("server")).toBe(0);
  });
});

test("everything is well again after calm", async () => {
  const { clock, sim, accepted, dial } = network();
  sim.setFaults("all", { loss: 1 });
  sim.partition("client", "server");
  sim.pause("server");
  sim.freeze("client");
  sim.calm();
  dial().stream.send(frame("hello"));
  await clock.runUntil(5);
  expect(accepted[0]!.heard).toEqual(["0.5 hello"]);
});

test("the trace keeps the last things carried, and what became of them", async () => {
  const { clock, sim, dial } = network({ traceMax: 4 });
  sim.setFaults("all", { duplication: 1, reorderMs: 0 });
  const client = dial();
  client.stream.send(frame("hello"));
  await clock.runUntil(5);
  client.stream.close();
  const shown = sim.trace().map((entry) => `${entry.at} ${entry.kind === "frame" ? entry.fate : entry.event}`);
  expect(shown).toEqual(["0.5 accepted", "0.5 delivered", "0.5 duplicated", "5 closed"]);
  expect(sim.carried).toEqual({ links: 1, frames: 1, bytes: 5 });
});
