// Nodes that meta will not have: they say why, and end. Two processes with one name are one too many.

import { expect, test } from "vitest";

import type { Line, Program } from "../src/processes.ts";
import type { RealNode } from "../src/real-cluster.ts";
import { until } from "../src/until.ts";
import { startCluster } from "./fixture.ts";

const fixture = startCluster({ data: 1, sessions: 1, dataArgs: ["--zone", "east"] });

async function reasonsOf({ address }: RealNode): Promise<string[]> {
  const answer = (await (await fetch(`http://${address}/readyz`)).json()) as { readonly reasons: string[] };
  return answer.reasons;
}

/** What a program that ended by itself has to say. */
async function lastWords(program: Program): Promise<Line> {
  expect(await program.ended()).toEqual({ code: 1, signal: null });
  const line = program.lines.find(({ message }) => message === "cannot go on, exiting");
  return line?.["error"] as Line;
}

test.each([
  {
    role: "data",
    args: ["--replicas", "3"],
    subject: { field: "replicas", limit: "2, as in this cluster", value: "3" },
  },
  { role: "session", args: ["--cluster-id", "theirs"], subject: { field: "cluster_id", value: '"theirs"' } },
] as const)("a $role node with $args is refused, says why and ends", async ({ role, args, subject }) => {
  const node = await fixture.cluster.addNode(role, ...args);
  const { reason, subject: told } = await lastWords(node.program);
  expect({ reason, told }).toMatchObject({ reason: "invalid_field", told: subject });
});

test("a node that expects what the cluster has joins, and all are told where it is and what it runs", async () => {
  const { cluster } = fixture;
  const { clusterId } = await cluster.state();
  const node = await cluster.addNode("data", "--replicas", "2", "--cluster-id", clusterId);
  await cluster.settled();
  const members = (await cluster.state()).members.filter(({ role }) => role === "data");
  expect(members).toMatchObject([
    { zone: "east", software: expect.stringMatching(/^\d+\.\d+\.\d+/) as string },
    { nodeId: node.nodeId, zone: "east" },
  ]);
  await cluster.stop(node);
});

test("of two processes with one name the later one waits for it, and the earlier one ends when it has lost it", async () => {
  const { cluster } = fixture;
  const first = await cluster.addNode("session", "--node-id", "twin");
  await cluster.ready();
  const second = await cluster.addNode("session", "--node-id", "twin");
  await until(async () => (await reasonsOf(second)).some((reason) => reason.includes(`a node at ${first.address}`)), {
    what: "the second says who has its name",
  });
  expect(await reasonsOf(first)).toEqual([]);
  cluster.freeze(first);
  await until(async () => (await reasonsOf(second)).length === 0, { what: "the second has joined" });
  cluster.thaw(first);
  const { reason, message } = await lastWords(first.program);
  expect({ reason, message }).toEqual({
    reason: "conflict",
    message: expect.stringContaining(second.address) as string,
  });
  await cluster.stop(second);
});

test("a node that cannot be reached at the address it advertises says so, and so does everybody else", async () => {
  const { cluster } = fixture;
  const lost = await cluster.addNode("data", "--advertise", "127.0.0.1:9");
  const port = lost.program.lines.find(({ message }) => message === "ready");
  expect(port).toMatchObject({ address: "127.0.0.1:9" });
  await until(
    async () => {
      const { members } = await cluster.state();
      return members.find(({ nodeId }) => nodeId === lost.nodeId)?.unreachableFrom?.includes("session-1");
    },
    { what: "all are told that the session cannot reach it" },
  );
  await lost.program.line(({ message }) => message === "others cannot reach this node", "its own word for it");
  const metrics = await (await fetch(`http://${cluster.meta.address}/metrics`)).text();
  expect(metrics).toMatch(/^rollcall_meta_members_unreachable 1$/m);
  await cluster.kill(lost);
});
