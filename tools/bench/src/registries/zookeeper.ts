/** One server of ZooKeeper, as Debian brings it, installed when it is missing and that can be done. */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, connect, type AddressInfo } from "node:net";
import { join } from "node:path";

import { MEMORY_FOLDER } from "./memory-folder.ts";
import type { Registry } from "./registry.ts";

const JARS = ["/usr/share/java/zookeeper.jar", "/usr/share/java/slf4j-nop.jar"];
const MAIN = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
/** What its own start script gives it. */
const HEAP = "-Xmx1000m";

/** How long it may take until it answers, in milliseconds. */
const READY_MS = 30_000;

const LOOK_EVERY_MS = 50;
const ANSWER_MS = 1_000;

export async function startZookeeper(): Promise<Registry> {
  install();
  const folder = await mkdtemp(join(MEMORY_FOLDER, "rollcall-zookeeper-"));
  const port = await freePort();
  const settings = {
    tickTime: 2_000,
    dataDir: join(folder, "data"),
    clientPort: port,
    clientPortAddress: "127.0.0.1",
    // Of one host, which are all here. 0 is no limit.
    maxClientCnxns: 0,
    "admin.enableServer": false,
  };
  const path = join(folder, "zoo.cfg");
  await writeFile(
    path,
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(""),
  );
  const server = spawn("java", [HEAP, "-cp", JARS.join(":"), MAIN, path], { stdio: "ignore" });
  const end = async (): Promise<void> => {
    if (server.exitCode === null && server.signalCode === null) {
      const exited = once(server, "exit");
      server.kill("SIGKILL");
      await exited;
    }
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await serving(port);
  } catch (thrown) {
    await end();
    throw thrown;
  }
  return {
    kind: "zookeeper",
    address: `127.0.0.1:${port}`,
    servers: [{ role: "zookeeper", pid: server.pid! }],
    [Symbol.asyncDispose]: end,
  };
}

/** @throws Error that says how to install it, when this process cannot. */
function install(): void {
  if (isInstalled()) return;
  const advice = "ZooKeeper is needed: install Debian's packages zookeeper and default-jre-headless";
  if (process.getuid?.() !== 0 || spawnSync("apt-get", ["--version"]).error !== undefined) throw new Error(advice);
  for (const args of [
    ["update", "-q"],
    ["install", "-y", "-q", "--no-install-recommends", "zookeeper", "default-jre-headless"],
  ]) {
    const { status, stderr } = spawnSync("apt-get", args, {
      encoding: "utf8",
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    });
    if (status !== 0) throw new Error(`${advice}; apt-get ${args[0]} failed: ${stderr}`);
  }
  if (!isInstalled()) throw new Error(advice);
}

function isInstalled(): boolean {
  return JARS.every((jar) => existsSync(jar)) && spawnSync("java", ["-version"]).status === 0;
}

/** That it listens says nothing: who connects before it serves is never answered. */
async function serving(port: number): Promise<void> {
  const deadline = performance.now() + READY_MS;
  while (!(await modeOf(port)).includes("Mode: ")) {
    if (performance.now() > deadline) throw new Error(`ZooKeeper does not serve within ${READY_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** What it says of itself, if anything. */
function modeOf(port: number): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.write("srvr"));
    socket.setTimeout(ANSWER_MS, () => socket.destroy());
    socket.setEncoding("utf8").on("data", (part) => (text += part));
    socket.once("error", () => {}).once("close", () => resolve(text));
  });
}

/** One that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
