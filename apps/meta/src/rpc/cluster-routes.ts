/** MetaService, as far as it answers questions: any meta does, with what it knows. */

import type { ConnectRouter } from "@connectrpc/connect";
import { RegistryError, type ClusterState } from "@rollcall/core";
import { MetaService, wireFromClusterState } from "@rollcall/protocol";

import type { Changes } from "../cluster/changes.ts";
import type { Candidate } from "../store/meta-store.ts";

export interface ClusterRoutesPorts {
  /** Undefined before it is known. */
  readonly state: () => ClusterState | undefined;
  readonly leader: () => Candidate | undefined;
  /** Of either. */
  readonly changes: Changes;
}

export function addClusterRoutes(router: ConnectRouter, { state, leader, changes }: ClusterRoutesPorts): void {
  const leaderAddress = (): string => leader()?.address ?? "";
  router.rpc(MetaService.method.getCluster, () => {
    const present = state();
    if (present === undefined) throw new RegistryError("not_ready", "meta has not read its store yet");
    return { state: wireFromClusterState(present), leader: leaderAddress() };
  });
  router.rpc(MetaService.method.watchCluster, async function* (_request, { signal }) {
    let told: { readonly state: ClusterState; readonly leader: string } | undefined;
    while (!signal.aborted) {
      if (changes.isClosed) throw new RegistryError("shutting_down", "meta is stopping");
      const [present, address] = [state(), leaderAddress()];
      if (present === undefined || (told?.state === present && told.leader === address)) {
        await changes.next(signal);
        continue;
      }
      told = { state: present, leader: address };
      yield { state: wireFromClusterState(present), leader: address };
    }
  });
}
