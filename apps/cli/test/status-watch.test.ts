// The cluster as it changes, from any meta.

import { silentLog } from "@rollcall/core";
import { SharedMemory, createMetaServer } from "@rollcall/meta";
import { errorDetailCodec } from "@rollcall/protocol";
import { startNode, systemClock, type RunningNode } from "@rollcall/runtime";
import { expect, onTestFinished, test, vi } from "vitest";

import { startCluster } from "../src/testing/index.ts";
import { runRollcall } from "./terminal.ts";

/** What was shown last. */
function last(text: string): { readonly nodes: readonly { readonly nodeId: string | null }[] } {
  return JSON.parse(text.trimEnd().split("\n").at(-1)!) as ReturnType<typeof last>;
}

test("whoever watches is shown the cluster at once and whenever it changes, until Ctrl-C", async () => {
  await using cluster = await startCluster({ sessions: 2 });
  const meta = cluster.nodes.find(({ role }) => role === "meta")!.address;
  const watching = runRollcall(["status", "--watch", "--json", "--meta", meta]);
  await watching.sees(/\n/);
  expect(last(watching.stdout()).nodes.map(({ nodeId }) => nodeId)).toEqual(["session-1", "session-2", "data-1", null]);
  await cluster.stop("session-2");
  await vi.waitUntil(() => last(watching.stdout()).nodes.length === 3, { timeout: 10_000 });
  expect(await watching.interrupt()).toMatchObject({ code: 0, stderr: "" });
});

test("a meta that does not lead shows it as well, and when it goes another one is asked", async () => {
  const memory = new SharedMemory(systemClock);
  const start = async (nodeId: string): Promise<RunningNode> => {
    const node = await startNode({
      nodeId,
      settings: { host: "127.0.0.1", port: 0, advertise: undefined, stopGraceMs: 100 },
      log: silentLog,
      errorDetail: errorDetailCodec,
      create: (ports) => createMetaServer({ nodeId, nodeLeaseMs: 3_000 }, { ...ports, store: memory.open(ports) }),
    });
    onTestFinished(() => node.stop());
    await vi.waitUntil(() => node.unready().length === 0);
    return node;
  };
  const [leading, other] = [await start("meta-1"), await start("meta-2")];
  expect(memory.leader?.address).toBe(leading.address);
  const watching = runRollcall(["status", "--watch", "--meta", other.address, "--meta", leading.address]);
  await watching.sees(/^cluster .*\n[^]*meta +- +\S+/m);
  expect(watching.stdout()).toContain(other.address);
  await other.stop();
  await watching.sees(new RegExp(`meta +- +${leading.address}`));
  expect((await watching.interrupt()).stderr).toMatch(new RegExp(`^rollcall: lost ${other.address} `));
});
