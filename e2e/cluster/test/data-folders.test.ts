// Data nodes whose disk is of no use: R18 of the contract.

import { execFileSync } from "node:child_process";
import { mkdir, open, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect, onTestFinished, test } from "vitest";

import type { Line } from "../src/processes.ts";
import type { RealCluster, RealNode } from "../src/real-cluster.ts";
import { slotsLed } from "../src/slot-moves.ts";
import { until } from "../src/until.ts";
import { tell, expectSurvived } from "./fault-fixture.ts";
import { startCluster } from "./fixture.ts";

const fixture = startCluster({ data: 2, sessions: 2 });

const mayMount = process.getuid?.() === 0 && process.platform === "linux";

test("data nodes whose folder is of no use say so, start and serve", async () => {
  const { cluster } = fixture;
  await expectSurvived(cluster, { name: "bad-folders" }, async () => {
    const before = cluster.data.length;
    await cluster.addNode("data", "--data-dir", await fileInTheWay(cluster));
    if (mayMount) await cluster.addNode("data", "--data-dir", await mounted(cluster, "read-only", "ro"));
    if (mayMount) await cluster.addNode("data", "--data-dir", await mounted(cluster, "full", "size=64k"));
    const wrecked = await restartedOnWreck(cluster, await cluster.addNode("data", "--data-dir", wreckFolder(cluster)));
    const added = cluster.data.slice(before);
    expect(added).toContain(wrecked);
    await untilLeading(cluster, added);
    for (const node of added) {
      const complaint = await node.program.line(isComplaint, "a complaint about its folder");
      tell(`${node.nodeId} says: ${JSON.stringify(complaint)}`);
    }
    await Promise.all(added.map((node) => cluster.stop(node)));
  });
}, 60_000);

function isComplaint({ level, ...rest }: Line): boolean {
  return (level === "warn" || level === "error") && /copy|folder|disk|dataDir/i.test(JSON.stringify(rest));
}

async function untilLeading(cluster: RealCluster, nodes: readonly RealNode[]): Promise<void> {
  await until(async () => slotsLed((await cluster.state()).table, nodes).every((count) => count > 0), {
    what: "each of them leads slots",
  });
  await cluster.ready();
}

async function fileInTheWay(cluster: RealCluster): Promise<string> {
  const path = cluster.folder("file-in-the-way");
  await writeFile(path, "not a folder");
  return path;
}

/** A file system of its own, for the time of the test. */
async function mounted(cluster: RealCluster, name: string, options: string): Promise<string> {
  const path = cluster.folder(name);
  await mkdir(path);
  execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", path]);
  onTestFinished(() => void execFileSync("umount", ["-l", path]));
  return path;
}

function wreckFolder(cluster: RealCluster): string {
  return cluster.folder("wrecked");
}

/** Kills a node once it has written something, spoils all of it, and starts the node again. */
async function restartedOnWreck(cluster: RealCluster, node: RealNode): Promise<RealNode> {
  await untilLeading(cluster, [node]);
  const folder = wreckFolder(cluster);
  const files = await until(async () => nonEmpty(await filesOf(folder)), { what: `files in ${folder}` });
  await cluster.kill(node);
  for (const path of files) await spoil(path);
  return cluster.restart(node);
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

function nonEmpty<Item>(items: readonly Item[]): readonly Item[] | undefined {
  return items.length > 0 ? items : undefined;
}

/** Writes nonsense over the first bytes of a file. */
async function spoil(path: string): Promise<void> {
  const file = await open(path, "r+");
  await file.write(Buffer.alloc(200, 0xa5), 0, 200, 0);
  await file.close();
}
