// What a user would see: real HTTP servers that come, go and die, and a consumer that calls whoever is registered.

import type { PendingRegistration, ServiceView } from "@rollcall/sdk";
import { expect, onTestFinished, test } from "vitest";

import type { Program } from "../src/processes.ts";
import { RecordedViews, idsOf, machineTime } from "../src/recorded-views.ts";
import { startCluster } from "./fixture.ts";

const fixture = startCluster({ data: 2, sessions: 2 });

interface Provider {
  readonly program: Program;
  /** When its registration was acknowledged to it, by the machine's clock. */
  readonly registeredAt: number;
}

async function startProvider(server: string, service: string, id: string, release = "1.0"): Promise<Provider> {
  const program = fixture.cluster.group.start({
    name: id,
    script: "e2e/cluster/src/programs/http-provider.ts",
    args: [server, service, id, release],
  });
  onTestFinished(() => program.drop());
  const { registeredAt } = await program.line(({ ready }) => ready === true, "its registration");
  return { program, registeredAt: registeredAt as number };
}

/** Calls the instances of a view in turn and gives back who answered. */
async function callInTurn({ instances }: ServiceView, times: number): Promise<string[]> {
  const answers: string[] = [];
  for (let turn = 0; turn < times; turn++) {
    const response = await fetch(`http://${instances[turn % instances.length]!.address}/`);
    answers.push(await response.text());
  }
  return answers;
}

test("a consumer calls whoever is registered, and a provider that is killed is gone within a second", async () => {
  const [first, second] = fixture.cluster.sessions.map(({ address }) => address) as [string, string];
  const views = new RecordedViews(fixture.client({ servers: [second] }), "shop");
  const providers = await Promise.all([
    startProvider(first, "shop", "alpha"),
    startProvider(second, "shop", "beta"),
    startProvider(first, "shop", "gamma"),
  ]);
  const { view } = await views.untilIds(["alpha", "beta", "gamma"]);
  expect(await callInTurn(view, 6)).toEqual(["alpha", "beta", "gamma", "alpha", "beta", "gamma"]);

  const killedAt = machineTime();
  await providers[1].program.kill();
  const without = await views.untilIds(["alpha", "gamma"]);
  const goneAfterMs = without.at - killedAt;
  expect(await callInTurn(without.view, 4)).toEqual(["alpha", "gamma", "alpha", "gamma"]);

  const { registeredAt } = await startProvider(first, "shop", "delta");
  const withNew = await views.untilIds(["alpha", "delta", "gamma"]);
  const listedAfterMs = withNew.at - registeredAt;
  expect(await callInTurn(withNew.view, 3)).toEqual(["alpha", "delta", "gamma"]);

  const stoppedAt = machineTime();
  expect(await providers[0].program.stop()).toEqual({ code: 0, signal: null });
  const leftAfterMs = (await views.untilIds(["delta", "gamma"])).at - stoppedAt;

  // oxlint-disable-next-line no-console -- figures for whoever reads the run
  console.log(
    `killed: gone after ${goneAfterMs.toFixed(1)} ms; new: listed ${listedAfterMs.toFixed(1)} ms after its acknowledgement (negative: before); stopped: gone after ${leftAfterMs.toFixed(1)} ms`,
  );
  expect(goneAfterMs).toBeLessThan(1_000);
  expect(listedAfterMs).toBeLessThan(1_000);
  expect(leftAfterMs).toBeLessThan(1_000);
});

test("filters by protocol and metadata hold for the first view and for every change", async () => {
  const client = fixture.client();
  const all = new RecordedViews(client, "mixed");
  const http = new RecordedViews(client, "mixed", { protocol: "http" });
  const newer = new RecordedViews(client, "mixed", { protocol: "http", metadata: { release: ["1.1", "2.0"] } });
  const tagged = new RecordedViews(client, "mixed", { metadata: { canary: true } });

  const provider = fixture.client();
  const register = (id: string, protocol: string, metadata: Record<string, string>): PendingRegistration =>
    provider.register({ service: "mixed", id, address: "10.0.0.1:80", protocol, metadata });
  await register("old", "http", { release: "1.0" });
  const grpc = await register("grpc", "grpc", { release: "2.0", canary: "" });
  const moving = await register("moving", "http", { release: "1.1" });
  await all.untilIds(["grpc", "moving", "old"]);
  await http.untilIds(["moving", "old"]);
  await newer.untilIds(["moving"]);
  await tagged.untilIds(["grpc"]);

  await moving.update({ metadata: { release: "1.0", canary: "yes" } });
  await grpc.update({ protocol: "http" });
  await newer.untilIds(["grpc"]);
  await http.untilIds(["grpc", "moving", "old"]);
  await tagged.untilIds(["grpc", "moving"]);

  expect(http.shown.flatMap(({ view }) => view.instances.map(({ protocol }) => protocol))).not.toContain("grpc");
  const releases = newer.shown.flatMap(({ view }) => view.instances.map(({ metadata }) => metadata["release"]));
  expect(releases).not.toContain("1.0");
  // A subscriber that comes later sees the same at once.
  const late = new RecordedViews(fixture.client(), "mixed", { metadata: { canary: true } });
  await late.subscription.ready;
  await late.untilIds(["grpc", "moving"]);
  expect(late.idsShown).toEqual([["grpc", "moving"]]);
});

test("a provider that stands still with its connection open stays for a while, goes, and comes back", async () => {
  const { cluster } = fixture;
  const hasty = await cluster.addNode("session", "--silence-grace-ms", "500");
  await cluster.ready();
  const views = new RecordedViews(fixture.client(), "frozen");
  const { program } = await startProvider(hasty.address, "frozen", "sleeper");
  await views.untilIds(["sleeper"]);

  const frozenAt = machineTime();
  program.freeze();
  const { at } = await views.untilIds([], 12_000);
  // 2.5 s of silence, 1.5 s for an answer, and the grace.
  expect(at - frozenAt).toBeGreaterThan(3_500);
  expect(at - frozenAt).toBeLessThan(8_000);
  expect(views.last?.confirmed).toBe(true);

  program.thaw();
  const { view } = await views.untilIds(["sleeper"]);
  expect(await callInTurn(view, 1)).toEqual(["sleeper"]);
  expect(views.shown.map(({ view }) => idsOf(view))).toEqual([[], ["sleeper"], [], ["sleeper"]]);
  expect(program.exit).toBeUndefined();
});
