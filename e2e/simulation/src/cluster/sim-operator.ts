/** An operator of the simulated cluster: asks the meta that leads, and waits until every member acts by what he decided. */

import { RegistryError } from "@rollcall/core";
import { ControlService, wireFromControlRecord } from "@rollcall/protocol";

import type { Decide } from "../world.ts";
import type { SimCluster } from "./sim-cluster.ts";
import { callUnary } from "./unary-calls.ts";

const WHO = { author: "an operator", reason: "" };

/** How often the operator asks who is behind, in milliseconds. */
const ASK_AGAIN_MS = 100;

/** How long he asks, in milliseconds, before he lets it be. */
const PATIENCE_MS = 10_000;

export function simOperator(cluster: SimCluster): Decide {
  const { setControl, removeControl, getBehind } = ControlService.method;

  const leader = () => {
    const { server, state } = cluster.meta;
    if (state !== "up" || !server.leads()) throw new RegistryError("unavailable", "no meta leads");
    return server;
  };

  async function untilInForce(version: unknown): Promise<void> {
    const until = cluster.clock.now() + PATIENCE_MS;
    for (;;) {
      const { behind = [] } = await callUnary(leader(), getBehind, { version: version as bigint });
      if (behind.length === 0) return;
      if (cluster.clock.now() > until) throw new RegistryError("deadline_exceeded", "somebody is behind");
      await new Promise<void>((resolve) => cluster.clock.setTimer(ASK_AGAIN_MS, resolve));
    }
  }

  return {
    async set(control) {
      const given = { id: "", version: 0, ...WHO, decidedAt: "", expiresInMs: undefined, control };
      const { record } = await callUnary(leader(), setControl, { record: wireFromControlRecord(given) });
      await untilInForce(record!.version);
    },
    async remove(id) {
      const { version } = await callUnary(leader(), removeControl, { id, ...WHO });
      await untilInForce(version);
    },
  };
}
