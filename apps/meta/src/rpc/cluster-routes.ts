/** MetaService, as far as it answers questions: any meta does, with what it knows. */

import type { ConnectRouter } from "@connectrpc/connect";
import { RegistryError, type ClusterState, type Loads } from "@rollcall/core";
import { MetaService, wireFromClusterState, wireFromNodeLoad } from "@rollcall/protocol";

import type { Changes } from "../cluster/changes.ts";
import type { Candidate } from "../store/meta-store.ts";

export interface ClusterRoutesPorts {
  /** Undefined before it is known. */
  readonly state: () => ClusterState | undefined;
  readonly leader: () => Candidate | undefined;
  /** Of the same version while they have not changed markedly. None on a meta that does not lead. */
  readonly loads: () => Loads;
  /** Of any of these. */
  readonly changes: Changes;
}

export function addClusterRoutes(router: ConnectRouter, { state, leader, loads, changes }: ClusterRoutesPorts): void {
  const leaderAddress = (): string => leader()?.address ?? "";
  router.rpc(MetaService.method.getCluster, () => {
    const present = state();
    if (present === undefined) throw new RegistryError("not_ready", "meta has not read its store yet");
    return {
      state: wireFromClusterState(present),
      leader: leaderAddress(),
      loads: loads().nodes.map(wireFromNodeLoad),
    };
  });
  router.rpc(MetaService.method.watchCluster, async function* (_request, { signal }) {
    let told: { readonly state: ClusterState; readonly leader: string; readonly loadsVersion: number } | undefined;
    while (!signal.aborted) {
      if (changes.isClosed) throw new RegistryError("shutting_down", "meta is stopping");
      const [present, address, { version, nodes }] = [state(), leaderAddress(), loads()];
      if (
        present === undefined ||
        (told?.state === present && told.leader === address && told.loadsVersion === version)
      ) {
        await changes.next(signal);
        continue;
      }
      told = { state: present, leader: address, loadsVersion: version };
      yield { state: wireFromClusterState(present), leader: address, loads: nodes.map(wireFromNodeLoad) };
    }
  });
}
