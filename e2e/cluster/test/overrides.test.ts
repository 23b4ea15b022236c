// R23 of the contract: what an operator has decided about an instance holds through all that may happen to it, with either
// store of meta.

import { serviceKey, type InstanceOverride } from "@rollcall/core";
import { describe, expect, test } from "vitest";

import { decide, takeBack } from "../src/decisions.ts";
import type { ClusterShape, RealNode } from "../src/real-cluster.ts";
import { RecordedViews } from "../src/recorded-views.ts";
import { startCluster } from "./fixture.ts";

const TIMEOUT_MS = 60_000;
/** After a restart of everything, as the contract has it, and what the machine may take. */
const BACK_MS = 20_000;

const STORES: readonly { readonly store: string; readonly shape: Partial<ClusterShape> }[] = [
  { store: "a folder", shape: {} },
  { store: "etcd", shape: { metas: 2, etcdMembers: 1 } },
];

const disabled = (service: string, clientId?: string): InstanceOverride => ({
  kind: "instance override",
  target: { kind: "instance", key: serviceKey({ service }), instanceId: "a" },
  effect: { kind: "disabled" },
  clientId,
});

/** What somebody is shown of the instance, over and over: `enabled`, `disabled` or `absent`. */
class Seen {
  readonly views: RecordedViews;

  constructor(views: RecordedViews) {
    this.views = views;
  }

  get states(): string[] {
    return this.views.shown.map(({ view: { instances } }) => {
      const instance = instances.find(({ id }) => id === "a");
      return instance === undefined ? "absent" : instance.enabled ? "enabled" : "disabled";
    });
  }

  /** Resolves when it is shown so, and with others beside it. */
  async until(state: string, ids: readonly string[]): Promise<void> {
    await this.views.view(({ instances }) => instances.length === ids.length && this.states.at(-1) === state, {
      what: `the view with a ${state}`,
      from: Math.max(0, this.views.shown.length - 1),
      withinMs: BACK_MS,
    });
  }
}

describe.each(STORES)("with meta's records in $store", ({ shape }) => {
  const fixture = startCluster({ data: 2, sessions: 2, ...shape });

  async function restartAll(nodes: readonly RealNode[]): Promise<void> {
    const { cluster } = fixture;
    await Promise.all(nodes.map((node) => cluster.kill(node)));
    for (const node of nodes) await cluster.restart(node);
    await cluster.ready(BACK_MS);
  }

  test(
    "an instance that is disabled stays so, whoever registers it and whatever is lost",
    { timeout: TIMEOUT_MS },
    async () => {
      const { cluster } = fixture;
      const first = fixture.client();
      await first.register({ service: "r23", id: "a", address: "10.0.0.1:80" });
      const seen = new Seen(new RecordedViews(fixture.client(), "r23"));
      await seen.until("enabled", ["a"]);
      await decide(cluster, disabled("r23"));
      await seen.until("disabled", ["a"]);
      const from = seen.states.length - 1;

      await first.close();
      const second = fixture.client();
      await second.register({ service: "r23", id: "a", address: "10.0.0.2:80" });
      await seen.until("disabled", ["a"]);

      const session = cluster.sessions[0]!;
      await restartAll([session]);
      await restartAll([await cluster.leaderOf("r23")]);
      await second.register({ service: "r23", id: "b", address: "10.0.0.3:80" });
      await seen.until("disabled", ["a", "b"]);

      await restartAll([...cluster.metas, ...cluster.data, ...cluster.sessions]);
      await second.register({ service: "r23", id: "c", address: "10.0.0.4:80" });
      await seen.until("disabled", ["a", "b", "c"]);
      const late = new Seen(new RecordedViews(fixture.client(), "r23"));
      await late.until("disabled", ["a", "b", "c"]);
      expect([...seen.states.slice(from), ...late.states].filter((state) => state === "enabled")).toEqual([]);

      await takeBack(cluster, disabled("r23"));
      await Promise.all([seen, late].map((each) => each.until("enabled", ["a", "b", "c"])));
    },
  );

  test(
    "what is decided about one process holds while that lives, and ends with it",
    { timeout: TIMEOUT_MS },
    async () => {
      const { cluster } = fixture;
      const first = fixture.client();
      await first.register({ service: "r23p", id: "a", address: "10.0.0.1:80" });
      const seen = new Seen(new RecordedViews(fixture.client(), "r23p"));
      await seen.until("enabled", ["a"]);
      await decide(cluster, disabled("r23p", first.id));
      await seen.until("disabled", ["a"]);
      const from = seen.states.length - 1;
      await restartAll([cluster.sessions[0]!]);
      await first.register({ service: "r23p", id: "b", address: "10.0.0.2:80" });
      await seen.until("disabled", ["a", "b"]);
      expect(seen.states.slice(from)).not.toContain("enabled");
      await first.close();
      await fixture.client().register({ service: "r23p", id: "a", address: "10.0.0.1:80" });
      await seen.until("enabled", ["a"]);
      await takeBack(cluster, disabled("r23p"));
    },
  );
});
