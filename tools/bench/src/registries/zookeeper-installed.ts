/** The ZooKeeper of the system, installed when it is missing and that can be done. */

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

export const ZOOKEEPER_JARS = ["/usr/share/java/zookeeper.jar", "/usr/share/java/slf4j-nop.jar"];

/** @throws Error that says how to install it, when this process cannot. */
export function installZookeeper(): void {
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
  return ZOOKEEPER_JARS.every((jar) => existsSync(jar)) && spawnSync("java", ["-version"]).status === 0;
}
