/** Servers of ZooKeeper, as Debian brings it: one by itself, or an ensemble. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";

import { freePorts } from "@rollcall/etcd";

import { atExit } from "../harness/at-exit.ts";
import { makeOwnFolder } from "../harness/own-folder.ts";
import type { Registry, RegistryShape } from "./registry.ts";
import { installZookeeper, ZOOKEEPER_JARS } from "./zookeeper-installed.ts";

const MAIN = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
/** What its own start script gives it. */
const HEAP = "-Xmx1000m";

/** How long it may take until all of them answer, in milliseconds. */
const READY_MS = 30_000;

const LOOK_EVERY_MS = 50;
const ANSWER_MS = 1_000;

interface Member {
  readonly port: number;
  readonly process: ChildProcess;
}

export async function startZookeeper({ medium, members: count }: RegistryShape): Promise<Registry> {
  installZookeeper();
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await makeOwnFolder(medium, "zookeeper"));
  const ports = await freePorts(3 * count);
  const ensemble =
    count === 1
      ? {}
      : Object.fromEntries(
          Array.from({ length: count }, (_, index) => [
            `server.${index + 1}`,
            `127.0.0.1:${ports[3 * index + 1]}:${ports[3 * index + 2]}`,
          ]),
        );
  const members: Member[] = [];
  for (let index = 0; index < count; index++) {
    const home = join(folder.path, String(index + 1));
    await mkdir(join(home, "data"), { recursive: true });
    await writeFile(join(home, "data", "myid"), `${index + 1}\n`);
    const settings = {
      tickTime: 2_000,
      initLimit: 10,
      syncLimit: 5,
      dataDir: join(home, "data"),
      clientPort: ports[3 * index]!,
      clientPortAddress: "127.0.0.1",
      // Of one host, which are all here. 0 is no limit.
      maxClientCnxns: 0,
      "admin.enableServer": false,
      ...ensemble,
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
    await writeFile(join(home, "zoo.cfg"), lines.join(""));
    const args = [HEAP, "-cp", ZOOKEEPER_JARS.join(":"), MAIN, join(home, "zoo.cfg")];
    const child = spawn("java", args, { stdio: "ignore" });
    stack.defer(() => kill(child));
    child.once(
      "exit",
      atExit(() => child.kill("SIGKILL")),
    );
    members.push({ port: ports[3 * index]!, process: child });
  }
  await Promise.all(members.map(serving));
  const kept = stack.move();
  return {
    kind: "zookeeper",
    address: members.map(({ port }) => `127.0.0.1:${port}`).join(),
    get servers() {
      return members.filter(isRunning).map(({ process: { pid } }) => ({ role: "zookeeper", pid: pid! }));
    },
    async findLeader(services) {
      for (const member of members) {
        if ((await modeOf(member)) === "follower") continue;
        return { leads: new Set(services), kill: () => kill(member.process) };
      }
      throw new Error("no server of ZooKeeper leads");
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function isRunning({ process: child }: Member): boolean {
  return child.exitCode === null && child.signalCode === null;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

/** That it listens says nothing: who connects before it serves is never answered. */
async function serving(member: Member): Promise<void> {
  const deadline = performance.now() + READY_MS;
  while ((await modeOf(member)) === undefined) {
    if (performance.now() > deadline) throw new Error(`ZooKeeper does not serve within ${READY_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** `standalone`, `leader` or `follower`, as it says itself; undefined while it does not serve. */
function modeOf({ port }: Member): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.write("srvr"));
    socket.setTimeout(ANSWER_MS, () => socket.destroy());
    socket.setEncoding("utf8").on("data", (part) => (text += part));
    socket.once("error", () => {}).once("close", () => resolve(/^Mode: (\w+)/m.exec(text)?.[1]));
  });
}
