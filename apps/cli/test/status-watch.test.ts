// The cluster as it changes, from any meta.

import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

import { silentLog } from "@rollcall/core";
import { SharedMemory, createMetaServer } from "@rollcall/meta";
import { errorDetailCodec } from "@rollcall/protocol";
import { startNode, systemClock, type RunningNode } from "@rollcall/runtime";
import { expect, onTestFinished, test, vi } from "vitest";

import { startCluster } from "../src/testing/index.ts";
import { runRollcall, spawnRollcall } from "./terminal.ts";

/** What was shown last, of what has been written whole. */
function last(text: string): {
  readonly nodes: readonly { readonly nodeId: string | null; readonly clients: number | null }[];
} {
  return JSON.parse(text.split("\n").at(-2)!) as ReturnType<typeof last>;
}

test(
  "whoever watches is shown the cluster at once and whenever it changes, until Ctrl-C",
  { timeout: 30_000 },
  async () => {
    await using cluster = await startCluster({ sessions: 2 });
    const meta = cluster.nodes.find(({ role }) => role === "meta")!.address;
    const watching = spawnRollcall(["status", "--watch", "--json", "--meta", meta]);
    await watching.sees(/\n/);
    expect(last(watching.stdout()).nodes.map(({ nodeId }) => nodeId)).toEqual([
      "session-1",
      "session-2",
      "data-1",
      null,
    ]);
    await cluster.stop("session-2");
    await vi.waitUntil(() => last(watching.stdout()).nodes.length === 3, { timeout: 10_000 });
    expect(await watching.interrupt()).toMatchObject({ code: 0, stderr: "" });
  },
);

test("status shows how many clients each session has, as it has last said", async () => {
  await using cluster = await startCluster({ sessions: 2 });
  const meta = cluster.nodes.find(({ role }) => role === "meta")!.address;
  const client = cluster.client({ servers: [cluster.addresses[0]!], discoverServers: false });
  await client.register({ service: "orders", address: "10.0.0.1:80" });
  const clients = async (): Promise<readonly (number | null)[]> => {
    const { stdout } = await runRollcall(["status", "--json", "--meta", meta]).ended;
    return last(stdout).nodes.map((node) => node.clients);
  };
  await vi.waitFor(async () => expect(await clients()).toEqual([1, 0, null, null]), { timeout: 4_000 });
});

/** Metas that share a store, of which the first leads. */
async function startMetas(...nodeIds: readonly string[]): Promise<readonly RunningNode[]> {
  const memory = new SharedMemory(systemClock);
  const metas: RunningNode[] = [];
  for (const nodeId of nodeIds) {
    const node = await startNode({
      nodeId,
      settings: { host: "127.0.0.1", port: 0, advertise: undefined, stopGraceMs: 100 },
      log: silentLog,
      errorDetail: errorDetailCodec,
      create: (ports) => createMetaServer({ nodeId, nodeLeaseMs: 3_000 }, { ...ports, store: memory.open(ports) }),
    });
    onTestFinished(() => node.stop());
    await vi.waitUntil(() => node.unready().length === 0);
    metas.push(node);
  }
  expect(memory.leader?.address).toBe(metas[0]!.address);
  return metas;
}

test("a meta that does not lead shows it as well, and when it goes another one is asked", async () => {
  const [leading, other] = (await startMetas("meta-1", "meta-2")) as [RunningNode, RunningNode];
  const watching = runRollcall(["status", "--watch", "--meta", other.address, "--meta", leading.address]);
  await watching.sees(/^cluster .*\n[^]*meta +- +\S+/m);
  expect(watching.stdout()).toContain(other.address);
  await other.stop();
  await watching.sees(new RegExp(`meta +- +${leading.address}`));
  expect((await watching.interrupt()).stderr).toMatch(new RegExp(`^rollcall: lost ${other.address} `));
});

/** A way to a node on which all comes to a stop, as with a process that stands still: the connections stay. */
async function startWay(to: string): Promise<{ readonly address: string; stop(): void }> {
  const [host, port] = to.split(":") as [string, string];
  const sockets: Socket[] = [];
  const server = createServer((incoming) => {
    const outgoing = connect({ host, port: Number(port) });
    sockets.push(incoming, outgoing);
    for (const socket of [incoming, outgoing]) socket.on("error", () => {});
    if (!isStopped) incoming.pipe(outgoing).pipe(incoming);
  });
  let isStopped = false;
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop() {
      isStopped = true;
      for (const socket of sockets) socket.unpipe().pause();
    },
  };
}

test("a meta that stands still is given up, before it has said anything or after, and another one is asked", async () => {
  const [leading, other] = (await startMetas("meta-1", "meta-2")) as [RunningNode, RunningNode];
  const way = await startWay(other.address);
  const watch = ["status", "--watch", "--timeout", "200", "--meta", way.address, "--meta", leading.address];
  const watching = runRollcall(watch);
  await watching.sees(new RegExp(`meta +- +${way.address}`));
  way.stop();
  await watching.sees(new RegExp(`meta +- +${leading.address}`));
  expect((await watching.interrupt()).stderr).toMatch(new RegExp(`^rollcall: lost ${way.address} `));
  const late = runRollcall(watch);
  await late.sees(new RegExp(`meta +- +${leading.address}`));
  expect((await late.interrupt()).stderr).toMatch(new RegExp(`^rollcall: lost ${way.address} `));
});
