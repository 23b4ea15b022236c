// Three metas on a real etcd of three members, one of which at a time is killed or stands still: R5 and R10 of the contract.
// By hand with a meta that stands still for longer:
//   E2E_FREEZE_MS=30000 npx vitest run test/elections.test.ts -t "stands still"

import { expect, test } from "vitest";

import { controlService, decide, takeBack } from "../src/decisions.ts";
import { elapse, until } from "../src/until.ts";
import type { RealNode } from "../src/real-cluster.ts";
import { expectSurvived, tell, type Stage } from "./fault-fixture.ts";
import { startCluster } from "./fixture.ts";

const fixture = startCluster({ data: 2, sessions: 2, metas: 3, etcdMembers: 3 });

/** What other tests beside this one may take of the machine: the contract speaks of an unloaded one. */
const MACHINE_MS = 5_000;
/** Limit of the contract, in milliseconds. */
const LEADS_MS = 5_000 + MACHINE_MS;
/** Longer than a node lease. */
const LEASE_MS = 3_500;

/** How long the meta that led stands still; at least until another one leads. */
const FREEZE_MS = Number(process.env["E2E_FREEZE_MS"] ?? 0);

const TIMEOUT_MS = FREEZE_MS + 60_000;

/** Resolves when a meta leads that is not `gone`; tells how long that took. */
async function untilAnotherLeads(gone: RealNode, since: number, what: string): Promise<RealNode> {
  const { cluster } = fixture;
  const leader = await until(
    async () => {
      const leading = await cluster.leadingMeta().catch(() => undefined);
      return leading === undefined || leading.nodeId === gone.nodeId ? undefined : leading;
    },
    { what: `a meta leads that is not ${gone.nodeId}`, withinMs: LEADS_MS },
  );
  tell(`${what}: ${leader.nodeId} leads after ${(performance.now() - since).toFixed(0)} ms`);
  return leader;
}

/** A node lease passes and nobody was given up, no slot has moved. */
async function nothingMoves({ slots }: Stage): Promise<void> {
  const before = await fixture.cluster.state();
  const movesBefore = slots.moves.length;
  await elapse(LEASE_MS);
  const after = await fixture.cluster.state();
  expect(after.members.map(({ nodeId }) => nodeId).toSorted()).toEqual(
    before.members.map(({ nodeId }) => nodeId).toSorted(),
  );
  expect(after.clusterId).toBe(before.clusterId);
  expect(slots.moves.slice(movesBefore)).toEqual([]);
}

test("the meta that leads is killed: another one leads, and nobody notices", { timeout: TIMEOUT_MS }, async () => {
  const { cluster } = fixture;
  await cluster.settled();
  await expectSurvived(cluster, { name: "meta-killed" }, async (stage) => {
    const dying = await cluster.leadingMeta();
    const at = performance.now();
    await cluster.kill(dying);
    await untilAnotherLeads(dying, at, "the meta that led is killed");
    await nothingMoves(stage);
    await cluster.restart(dying);
    await cluster.ready();
  });
});

test("33: the next meta knows what was decided, and refuses who does not", { timeout: TIMEOUT_MS }, async () => {
  const { cluster } = fixture;
  const control = { kind: "push off", scope: { kind: "namespace", namespace: "none" }, exceptClients: [] } as const;
  const before = await decide(cluster, control);
  const version = await decide(cluster, { ...control, exceptClients: ["canary"] }, before);
  const dying = await cluster.leadingMeta();
  const at = performance.now();
  await cluster.kill(dying);
  await untilAnotherLeads(dying, at, "the meta that had decided is killed");
  const { records } = await (await controlService(cluster)).listControls({ prefix: "push/" });
  expect(records).toMatchObject([{ version: BigInt(version), control: { value: { exceptClients: ["canary"] } } }]);
  for (const seen of [0, before]) await expect(decide(cluster, control, seen)).rejects.toThrow(`not at ${seen}`);
  expect(await takeBack(cluster, control)).toBeGreaterThan(version);
  await cluster.restart(dying);
  await cluster.ready();
});

test("the meta that leads is told to stop: another one leads at once", { timeout: TIMEOUT_MS }, async () => {
  const { cluster } = fixture;
  await expectSurvived(cluster, { name: "meta-stopped" }, async (stage) => {
    const leaving = await cluster.leadingMeta();
    const at = performance.now();
    await cluster.stop(leaving);
    await untilAnotherLeads(leaving, at, "the meta that led has stopped");
    await nothingMoves(stage);
    await cluster.restart(leaving);
    await cluster.ready();
  });
});

test("the meta that leads stands still: when it wakes it does nothing any more", { timeout: TIMEOUT_MS }, async () => {
  const { cluster } = fixture;
  await expectSurvived(cluster, { name: "meta-frozen" }, async (stage) => {
    const frozen = await cluster.leadingMeta();
    const said = frozen.program.lines.length;
    const at = performance.now();
    const { count, slowestMs } = await registeringWhile(async () => {
      cluster.freeze(frozen);
      await untilAnotherLeads(frozen, at, "the meta that led stands still");
      await elapse(Math.max(0, FREEZE_MS - (performance.now() - at)));
    });
    const seenMs = await stage.traffic.converge(MACHINE_MS);
    tell(
      `it stands still for ${(performance.now() - at).toFixed(0)} ms: ${count} registrations meanwhile, ` +
        `the slowest took ${slowestMs.toFixed(0)} ms; a change of every service is seen after ${seenMs.toFixed(0)} ms`,
    );
    stage.traffic.start();
    const wokenAt = performance.now();
    cluster.thaw(frozen);
    await until(() => frozen.program.lines.slice(said).some(({ message }) => message === "this meta leads no more"), {
      what: `${frozen.nodeId} leads no more`,
    });
    tell(`it says that it leads no more after ${(performance.now() - wokenAt).toFixed(0)} ms`);
    await nothingMoves(stage);
    await cluster.ready();
  });
});

/** Registers and unregisters all the time while `act` lasts; gives how many did so, and how long the slowest took. */
async function registeringWhile(act: () => Promise<void>): Promise<{ count: number; slowestMs: number }> {
  const client = fixture.client();
  const found = { count: 0, slowestMs: 0 };
  const over = new AbortController();
  const registering = (async () => {
    while (!over.signal.aborted) {
      const at = performance.now();
      const registration = await client.register({ service: "registered-meanwhile", address: "127.0.0.1:1" });
      found.slowestMs = Math.max(found.slowestMs, performance.now() - at);
      found.count++;
      await registration.unregister();
    }
  })();
  await act().finally(() => over.abort());
  await registering;
  return found;
}

test.each(["leader", "follower"] as const)(
  "etcd loses a %s of its own: metas and registering go on, and nobody notices",
  { timeout: TIMEOUT_MS },
  async (which) => {
    const { cluster } = fixture;
    const { etcd } = cluster;
    await cluster.settled();
    await expectSurvived(cluster, { name: `etcd-${which}-killed` }, async (stage) => {
      const leader = await etcd.leader();
      const dying = which === "leader" ? leader : etcd.members.find(({ name }) => name !== leader.name)!;
      const { count, slowestMs } = await registeringWhile(async () => {
        await etcd.kill(dying);
        await nothingMoves(stage);
      });
      tell(`etcd's ${which} is killed: ${count} registrations meanwhile, the slowest took ${slowestMs.toFixed(0)} ms`);
      // A data node comes meanwhile: it can only join when a meta can write.
      const added = await cluster.addNode("data");
      await cluster.ready();
      await cluster.stop(added);
      etcd.restart(dying);
      await etcd.ready();
      await cluster.settled();
      // The meta that is asked may be one that has yet to hear of it.
      await until(async () => !(await cluster.state()).members.some(({ nodeId }) => nodeId === added.nodeId), {
        what: `${added.nodeId} is no member any more`,
      });
      await nothingMoves(stage);
    });
  },
);

test(
  "all of etcd is gone for a while: nothing is assigned, and registering and pushing go on",
  { timeout: TIMEOUT_MS },
  async () => {
    const { cluster } = fixture;
    const { etcd } = cluster;
    await cluster.settled();
    await expectSurvived(cluster, { name: "etcd-gone" }, async ({ traffic, slots }) => {
      await Promise.all(etcd.members.map((member) => etcd.kill(member)));
      await elapse(LEASE_MS);
      for (const service of traffic.busy) traffic.change(service);
      const seenMs = await traffic.untilSeen(traffic.quiet, 5_000);
      tell(`etcd is gone: views are whole after ${seenMs.toFixed(0)} ms`);
      for (const member of etcd.members) etcd.restart(member);
      await etcd.ready();
      await until(() => cluster.leadingMeta(), { what: "a meta leads again", withinMs: LEADS_MS });
      await cluster.ready();
      expect(slots.moves).toEqual([]);
    });
  },
);
