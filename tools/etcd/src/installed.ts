/** The etcd of the system, installed when it is missing and that can be done. */

import { spawnSync } from "node:child_process";

/**
 * The command that starts etcd.
 * @throws Error that says how to install it, when this process cannot.
 */
export function installedEtcd(): string {
  if (runs()) return "etcd";
  const advice = "etcd is needed: install Debian's packages etcd-server and etcd-client, or put etcd into the PATH";
  if (process.getuid?.() !== 0 || spawnSync("apt-get", ["--version"]).error !== undefined) throw new Error(advice);
  for (const args of [
    ["update", "-q"],
    ["install", "-y", "-q", "etcd-server", "etcd-client"],
  ]) {
    const { status, stderr } = spawnSync("apt-get", args, {
      encoding: "utf8",
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    });
    if (status !== 0) throw new Error(`${advice}; apt-get ${args[0]} failed: ${stderr}`);
  }
  if (!runs()) throw new Error(advice);
  return "etcd";
}

function runs(): boolean {
  return spawnSync("etcd", ["--version"]).status === 0;
}
