// Metas that nodes know by one name, which has several addresses.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { EtcdCluster } from "@rollcall/etcd";
import { expect, onTestFinished, test } from "vitest";

import { ProgramGroup, type Program } from "../src/processes.ts";
import { until } from "../src/until.ts";

const NAME = "metas.rollcall.test";

test("a node finds the metas by a name, and goes on at another address when the one it uses is gone", async () => {
  const folder = await mkdtemp(join(tmpdir(), "rollcall-names-"));
  const group = new ProgramGroup();
  const etcd = await EtcdCluster.start();
  onTestFinished(async () => {
    await group[Symbol.asyncDispose]();
    await etcd[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  const meta = (name: string, host: string, port: string): Program =>
    group.start({
      name,
      script: "apps/meta/src/main.ts",
      args: ["--node-id", name, "--host", host, "--port", port, "--store", etcd.url],
    });
  const first = meta("meta-1", "127.0.0.2", "0");
  const port = (await first.ready()).split(":").at(-1)!;
  const second = meta("meta-2", "127.0.0.3", port);
  await second.ready();

  // A hosts file of its own, in a mount namespace of its own.
  const hosts = join(folder, "hosts");
  await writeFile(hosts, `127.0.0.2 ${NAME}\n127.0.0.3 ${NAME}\n`);
  const data = group.start({
    name: "data-1",
    script: "apps/data/src/main.ts",
    args: ["--node-id", "data-1", "--port", "0", "--meta", `${NAME}:${port}`, "--data-dir", join(folder, "data")],
    runner: ["unshare", "--mount", "sh", "-c", `mount --bind ${hosts} /etc/hosts && exec "$0" "$@"`],
  });
  const address = await data.ready();
  const isReady = async (): Promise<boolean> => (await fetch(`http://${address}/readyz`)).ok;
  await until(isReady, { what: "the node has joined" });

  await first.kill();
  await until(
    async () => {
      const metrics = await (await fetch(`http://127.0.0.3:${port}/metrics`)).text();
      return /rollcall_meta_leads 1/.test(metrics) && /rollcall_meta_members_data 1/.test(metrics);
    },
    { what: "the other meta leads, and has the node" },
  );
  expect(await isReady()).toBe(true);
});
