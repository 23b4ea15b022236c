// This version and the one before it, side by side in every role, as in a rolling upgrade: R19 of the contract.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { NO_FILTER, instanceFromInput, serviceKey } from "@rollcall/core";
import { bytesFromInstance } from "@rollcall/protocol";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";

import { makeFormerVersion } from "../src/former-version.ts";
import type { Program } from "../src/processes.ts";
import { RealCluster, type RealNode } from "../src/real-cluster.ts";
import { RecordedViews } from "../src/recorded-views.ts";
import { until } from "../src/until.ts";
import { WireClient } from "../src/wire-client.ts";
import { expectSurvived, tell } from "./fault-fixture.ts";

const state = { folder: "", root: new URL("file:///") };
let cluster: RealCluster;

beforeAll(async () => {
  state.folder = await mkdtemp(join(tmpdir(), "rollcall-former-"));
  const from = performance.now();
  const { commit, root, command } = await makeFormerVersion(state.folder);
  state.root = root;
  tell(`the former version is ${commit.slice(0, 12)}, made in ${(performance.now() - from).toFixed(0)} ms`);
  cluster = await RealCluster.start({ data: 2, sessions: 2, command });
});

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  await rm(state.folder, { recursive: true, force: true });
});

/** A program of the former version, with its SDK. */
function formerProgram(name: string, script: string, ...args: readonly string[]): Program {
  const program = cluster.group.start({ name, script: `e2e/cluster/src/programs/${script}`, args, root: state.root });
  onTestFinished(() => program.drop());
  return program;
}

/** Field 1,000 of an instance, of which neither version knows anything. */
const UNKNOWN_FIELD = Uint8Array.from([0xc2, 0x3e, 3, 0x6e, 0x65, 0x77]);

/** Enough for each data node to lead some. */
const FUTURE_SERVICES = 8;

/** A client of a version that is yet to come registers at one session; what another one pushes is the same, byte by byte. */
async function expectUnknownFieldsToSurvive(name: string, from: RealNode, to: RealNode): Promise<void> {
  const provider = new WireClient(from.address, { acknowledges: true }).hello(`${name}-provider`);
  const subscriber = new WireClient(to.address, { acknowledges: true }).hello(`${name}-subscriber`);
  onTestFinished(() => {
    provider.close();
    subscriber.close();
  });
  const keys = Array.from({ length: FUTURE_SERVICES }, (_, index) => serviceKey({ service: `${name}-${index}` }));
  const encoded = bytesFromInstance(instanceFromInput({ id: "future", address: "10.0.0.9:80" }, () => ""));
  const bytes = Uint8Array.from([...encoded, ...UNKNOWN_FIELD]);
  provider.say({
    registers: keys.map((key, index) => ({
      sequence: index + 1,
      key,
      version: { incarnation: 1, counter: index + 1 },
      instanceId: "future",
      instance: bytes,
    })),
  });
  subscriber.say({ subscribes: keys.map((key) => ({ key, filter: NO_FILTER, held: undefined })) });
  const pushed = await until(
    () => {
      const instances = subscriber.pushes.flatMap((push) => push.instances);
      return instances.length >= FUTURE_SERVICES ? instances : undefined;
    },
    { what: `${to.nodeId} pushes what was registered at ${from.nodeId}` },
  );
  expect(pushed.map((each) => Buffer.from(each.bytes).toString("hex"))).toEqual(
    keys.map(() => Buffer.from(bytes).toString("hex")),
  );
  expect([...provider.refusals, ...subscriber.refusals]).toEqual([]);
}

/** Lines in which a node says that it did not understand another one, or that something is wrong. */
function complaints(): string[] {
  return cluster.group.programs.flatMap(({ name, lines }) =>
    lines
      .filter(
        (line) =>
          line["level"] === "error" || /protocol_violation|malformed|cannot be decoded/.test(JSON.stringify(line)),
      )
      .map((line) => `${name}: ${JSON.stringify(line)}`),
  );
}

test(
  "nodes of every role are replaced by this version one by one, with clients of both: nobody notices, and nothing is lost on the way",
  { timeout: 90_000 },
  async () => {
    const servers = cluster.sessions.map(({ address }) => address);
    const consumer = formerProgram(
      "former-consumer",
      "recorded-consumer.ts",
      "former",
      servers.join(","),
      join(state.folder, "kept"),
      "mixed",
    );
    const provider = formerProgram("former-provider", "http-provider.ts", servers[0]!, "mixed", "former");
    await provider.line(({ ready }) => ready === true, "its registration");
    const client = cluster.openClient();
    await client.register({ service: "mixed", id: "present", address: "10.0.0.1:80" });
    const views = new RecordedViews(client, "mixed");
    await views.untilIds(["former", "present"]);
    await expectSurvived(cluster, { name: "upgraded" }, async () => {
      const [session, otherSession] = cluster.sessions as [RealNode, RealNode];
      const [data, otherData] = cluster.data as [RealNode, RealNode];
      await replace(data);
      await replace(session);
      const [upgraded] = cluster.sessions as [RealNode, RealNode];
      await expectUnknownFieldsToSurvive("up", upgraded, otherSession);
      await expectUnknownFieldsToSurvive("down", otherSession, upgraded);
      await replace(cluster.meta);
      await replace(otherData);
      await replace(otherSession);
    });
    await client.register({ service: "mixed", id: "last", address: "10.0.0.2:80" });
    await views.untilIds(["former", "present", "last"]);
    const ids = await consumer.line(
      ({ shown, ids }) => shown === "mixed" && (ids as string[]).length === 3,
      "its view of three",
    );
    expect((ids["ids"] as string[]).toSorted()).toEqual(["former", "last", "present"]);
    const shown = consumer.lines
      .filter((line) => line["shown"] === "mixed")
      .map((line) => (line["ids"] as string[]).length);
    expect(shown, "its views only grow").toEqual(shown.toSorted((one, other) => one - other));
    expect(complaints()).toEqual([]);
  },
);

/** As an operator does it: the former version is told to stop, and this one is started in its place. */
async function replace(node: RealNode): Promise<void> {
  await cluster.stop(node);
  await cluster.upgrade(node);
  await cluster.ready();
}
