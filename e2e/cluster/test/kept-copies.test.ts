// P9 and the clients' part of R18: a program that follows services is started while every server is down, shows what its
// former life saw, and is sent hardly anything once they are back; and no disk is so broken that it minds.

import { mkdtemp, readFile, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { textFromServiceKey } from "@rollcall/core";
import type { Client } from "@rollcall/sdk";
import { HistoryRecorder, checkAutonomousClients, type Happening, type HistoryEvent } from "@rollcall/testing";
import { beforeEach, expect, onTestFinished, test } from "vitest";

import type { Program } from "../src/processes.ts";
import { RealCluster, type RealNode } from "../src/real-cluster.ts";
import { machineTime } from "../src/recorded-views.ts";
import { until } from "../src/until.ts";

const SERVICES = ["s1", "s2", "s3"];
const INSTANCES = 20;

let cluster: RealCluster;
let history: HistoryRecorder;
let folder: string;
/** Of the sessions, whether they run or not. */
let addresses: string;

beforeEach(async () => {
  cluster = await RealCluster.start({ data: 2, sessions: 2 });
  addresses = cluster.sessions.map(({ address }) => address).join(",");
  history = new HistoryRecorder({ now: machineTime });
  folder = await mkdtemp(join(tmpdir(), "rollcall-kept-"));
  const [started, made] = [cluster, folder];
  onTestFinished(async () => {
    await started[Symbol.asyncDispose]();
    await rm(made, { recursive: true });
  });
});

/** Registers everything, and notes it in the history with its answer. */
async function provide(): Promise<Client> {
  const client = cluster.openClient({ name: "provider" });
  await Promise.all(
    SERVICES.flatMap((service) =>
      Array.from({ length: INSTANCES }, async (_, number) => {
        const [instanceId, address] = [`i${number}`, `10.0.0.${number}:80`];
        const registration = client.register({ service, id: instanceId, address });
        const of = { client: "provider", service: textFromServiceKey(registration.service), instanceId };
        const answers = history.record({ kind: "register", ...of, content: address });
        const { version } = await registration;
        history.record({ kind: "registered", answers, version: version! });
      }),
    ),
  );
  return client;
}

function consumer(runner?: readonly string[]): Program {
  return cluster.group.start({
    name: "consumer",
    script: "e2e/cluster/src/programs/recorded-consumer.ts",
    args: ["consumer", addresses, folder, ...SERVICES],
    runner,
  });
}

const servers = (): RealNode[] => [cluster.meta, ...cluster.data, ...cluster.sessions];

/** Waits until it has been shown all instances of every service by whom `by` says. */
async function shownAll(program: Program, by: "registry" | "disk"): Promise<void> {
  const isShown = (service: string): boolean =>
    program.lines.some(
      ({ shown, ids, kept, confirmed }) =>
        shown === service &&
        (ids as string[]).length === INSTANCES &&
        (by === "registry" ? confirmed === true : kept !== undefined && confirmed === false),
    );
  await until(() => SERVICES.every(isShown), { what: `all is shown by the ${by}`, because: () => program.output });
}

/** Waits until the registry has said of every list that it is so, which is news to no callback when it was shown before. */
async function vouchedFor(program: Program): Promise<void> {
  const isConfirmed = (service: string): boolean =>
    eventsOf(program).some((event) => event.kind === "pushed" && isOf(event, service) && event.confirmed);
  await until(() => SERVICES.every(isConfirmed), { what: "the registry vouches for all", withinMs: 30_000 });
}

function isOf(event: { readonly service: string }, service: string): boolean {
  return event.service.endsWith(`/${service}`);
}

async function allKept(): Promise<void> {
  await until(async () => (await readdir(folder)).filter((name) => name.endsWith(".copy")).length === SERVICES.length, {
    what: "a copy of each list",
  });
}

/** What programs have told, as events of a history. */
function eventsOf(...programs: Program[]): HistoryEvent[] {
  return programs
    .flatMap(({ lines }) => lines)
    .flatMap(({ happening, at }) => {
      if (happening === undefined) return [];
      const { instances, ...rest } = happening as { instances?: [string, string][] };
      return [{ ...rest, ...(instances && { instances: new Map(instances) }), at } as unknown as HistoryEvent];
    });
}

test(
  "a program that starts while every server is down goes on as before, and nothing is sent to it twice",
  { timeout: 90_000 },
  async () => {
    await provide();
    const before = consumer();
    await shownAll(before, "registry");
    await allKept();

    const nodes = servers();
    await Promise.all(nodes.map((node) => cluster.kill(node)));
    const outage: Happening = { kind: "all servers down" };
    history.record(outage);
    const downAt = machineTime();
    await before.kill();
    history.record({ kind: "client crashed", client: "consumer" });

    const after = consumer();
    await shownAll(after, "disk");
    // What may still have been on its way counts as such.
    await until(() => machineTime() > downAt + 1_100, { what: "the outage to be one" });
    history.record({ kind: "servers back" });
    await Promise.all(nodes.map((node) => cluster.restart(node)));
    await cluster.ready(30_000);
    await vouchedFor(after);

    const told = history.history();
    const events = [...told.events, ...eventsOf(before, after)].toSorted((a, b) => a.at - b.at);
    expect(checkAutonomousClients({ events, endedAt: machineTime() })).toEqual([]);
    for (const service of SERVICES) {
      const full = eventsOf(after).filter(
        (event) => event.kind === "pushed" && isOf(event, service) && event.snapshot && event.carried > 0,
      );
      expect(full.length, `full pushes of ${service}`).toBeLessThanOrEqual(1);
      const shown = after.lines.filter((line) => line["shown"] === service);
      expect(shown.map(({ ids }) => (ids as string[]).length)).toEqual([INSTANCES]);
    }
  },
);

test(
  "a copy that was cut off, damaged or made unreadable is told, and the others are shown",
  { timeout: 60_000 },
  async () => {
    await provide();
    const before = consumer();
    await shownAll(before, "registry");
    await allKept();
    const nodes = servers();
    await Promise.all(nodes.map((node) => cluster.kill(node)));
    await before.stop();

    const [cut, damaged] = (await readdir(folder)).map((name) => join(folder, name)) as [string, string];
    await truncate(cut, 100);
    const bytes = await readFile(damaged);
    bytes[bytes.length - 7]! ^= 1;
    await writeFile(damaged, bytes);
    const after = consumer();
    await until(() => after.lines.filter(({ shown }) => shown !== undefined).length === 1, {
      what: "one list is shown",
    });
    const problems = after.lines.filter(({ cacheFailed }) => cacheFailed !== undefined);
    expect(problems.map(({ cacheFailed, place }) => [cacheFailed, place])).toEqual([
      ["the copy cannot be used: damaged: its checksum is wrong", folder],
      ["the copy cannot be used: damaged: its checksum is wrong", folder],
    ]);

    await Promise.all(nodes.map((node) => cluster.restart(node)));
    await vouchedFor(after);
    expect((await after.stop()).code).toBe(0);
  },
);

test.each([
  ["full", "size=8k", "ENOSPC"],
  ["read-only", "ro", "EROFS"],
])("a disk that is %s is told once, and the program goes on", { timeout: 60_000 }, async (_, options, code) => {
  await provide();
  const mounted = ["unshare", "-Urm", "sh", "-c", `mount -t tmpfs -o ${options} none "$0" && exec "$@"`, folder];
  const program = consumer(mounted);
  await shownAll(program, "registry");
  const failed = await program.line(({ cacheFailed }) => cacheFailed !== undefined, "that nothing can be kept");
  expect(failed["cacheFailed"]).toContain(code);
  expect((await program.stop()).code).toBe(0);
  expect(program.lines.filter(({ cacheFailed }) => cacheFailed !== undefined).length).toBeLessThanOrEqual(2);
});
