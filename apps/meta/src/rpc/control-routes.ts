/** ControlService: what operators decide. Any meta tells what there is; only the one that leads decides, and the others name it. */

import type { ConnectRouter, ServiceImpl } from "@connectrpc/connect";
import { RegistryError, invalidField } from "@rollcall/core";
import {
  ControlService,
  controlRecordFromWire,
  wireFromControlChange,
  wireFromControlRecord,
} from "@rollcall/protocol";

import type { Backup } from "../backup/restored.ts";
import type { MemberBehind } from "../controls/applied-controls.ts";
import { CHANGES_MAX } from "../controls/change-log.ts";
import type { Controls, Decision } from "../controls/controls.ts";
import type { ReadableControls } from "../controls/stored-view.ts";
import { textFromBackup } from "../peers/backup-text.ts";

export interface ControlRoutesPorts {
  /** Of the meta that leads; throws where another one does. */
  readonly controls: () => Controls;
  /** What there is to read, whoever leads. */
  readonly reading: () => Promise<ReadableControls>;
  /** What is stored at present; throws where another meta leads. */
  readonly backup: () => Promise<Backup>;
  /** Members that do not act by everything up to a version. */
  readonly behind: (version: number) => readonly MemberBehind[];
}

export function addControlRoutes(
  router: ConnectRouter,
  { controls, reading, backup, behind }: ControlRoutesPorts,
): void {
  const routes: ServiceImpl<typeof ControlService> = {
    async setControl({ record: wire, expectedVersion }) {
      if (wire === undefined)
        throw new RegistryError("invalid_field", "record must be given", {
          subject: { field: "record", limit: "a control record", value: "none" },
        });
      const { control, expiresInMs, author, reason } = controlRecordFromWire(wire);
      const decision = decisionOf({ author, reason, expectedVersion });
      return { record: wireFromControlRecord(await controls().set(control, expiresInMs, decision)) };
    },
    async removeControl({ id, author, reason, expectedVersion }) {
      const version = await controls().remove(id, decisionOf({ author, reason, expectedVersion }));
      return { version: BigInt(version) };
    },
    async listControls({ prefix }) {
      const present = await reading();
      return { records: present.list(prefix).map(wireFromControlRecord), version: BigInt(present.version) };
    },
    async listChanges({ limit }) {
      if (limit > CHANGES_MAX) throw invalidField("limit", `at most ${CHANGES_MAX}`, limit);
      return { changes: (await reading()).changes(limit || CHANGES_MAX).map(wireFromControlChange) };
    },
    async getBackup() {
      return { backup: textFromBackup(await backup(), now()) };
    },
    getBehind({ version: asked }) {
      const { version } = controls();
      if (asked > version) throw invalidField("version", `one that was given, at most ${version}`, asked);
      return { behind: behind(Number(asked)).map(wireFromBehind) };
    },
  };
  router.service(ControlService, routes);
}

function wireFromBehind({ member: { nodeId, role, address }, version }: MemberBehind) {
  return { nodeId, role, address, ...(version !== undefined && { version: BigInt(version) }) };
}

interface Asked {
  readonly author: string;
  readonly reason: string;
  readonly expectedVersion?: bigint | undefined;
}

function decisionOf({ author, reason, expectedVersion }: Asked): Decision {
  return {
    author,
    reason,
    decidedAt: now(),
    expectedVersion: expectedVersion === undefined ? undefined : Number(expectedVersion),
  };
}

/** For people. */
function now(): string {
  return new Date().toISOString();
}
