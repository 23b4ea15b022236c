/** A meta node as a process of its own. */

import { mkdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { RegistryError } from "@rollcall/core";
import { errorDetailCodec } from "@rollcall/protocol";
import { reaches, runNode, type SettingValues } from "@rollcall/runtime";

import type { Backup } from "./backup/restored.ts";
import { metaSettings } from "./config.ts";
import { backupFromText } from "./peers/backup-text.ts";
import { etcdOptionsFromUrl } from "./peers/etcd-client.ts";
import { EtcdMetaStore, type EtcdMetaStorePorts } from "./peers/etcd-meta-store.ts";
import { LevelMetaStore } from "./peers/level-meta-store.ts";
import { createMetaServer } from "./server.ts";
import type { MetaStore } from "./store/meta-store.ts";

/** @param args what follows the command: settings as flags, or `--help` */
export async function main(args: readonly string[]): Promise<void> {
  await runNode({
    role: "meta",
    definition: metaSettings,
    args,
    errorDetail: errorDetailCodec,
    async create(nodeId, settings, ports) {
      const { restoreFrom } = settings;
      const readBackup = restoreFrom === undefined ? undefined : () => backupIn(restoreFrom);
      return createMetaServer(
        { ...settings, nodeId },
        { ...ports, readBackup, reaches, store: await openStore(settings, ports) },
      );
    },
  });
}

async function openStore(
  { store, dataDir }: Pick<SettingValues<(typeof metaSettings)["settings"]>, "store" | "dataDir">,
  ports: EtcdMetaStorePorts,
): Promise<MetaStore> {
  const etcd = store === undefined ? undefined : etcdOptionsFromUrl(store);
  if (etcd !== undefined) return new EtcdMetaStore(etcd, ports);
  return LevelMetaStore.open(await madeFolder(dataDir));
}

async function madeFolder(folder: string): Promise<string> {
  try {
    await mkdir(folder, { recursive: true });
    return folder;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RegistryError("unavailable", `meta's folder ${JSON.stringify(folder)} (dataDir) cannot be made: ${why}`, {
      cause,
    });
  }
}

async function backupIn(file: string): Promise<Backup> {
  try {
    return backupFromText(await readFile(file, "utf8"));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RegistryError("unavailable", `nothing can be restored from ${JSON.stringify(file)}: ${why}`, { cause });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
