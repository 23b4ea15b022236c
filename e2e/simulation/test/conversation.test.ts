// Conversations, to be read from beginning to end: the files under transcripts/ say who told whom what, and when.

import { createClientWith, type Client } from "@rollcall/sdk/heart";
import { CONNECT_PATH, serverMessageFromBytes } from "@rollcall/protocol";
import { renderTranscript } from "@rollcall/testing";
import { expect, test } from "vitest";

import { SimCluster, type ClusterShape } from "../src/cluster/sim-cluster.ts";
import { describeMessage } from "../src/describe-message.ts";
import { transcriptAbout } from "./transcript.ts";

interface Conversation {
  readonly cluster: SimCluster;
  /** A client that knows these sessions, or all. */
  readonly openClient: (name: string, servers?: readonly string[]) => Client;
  /** The ids that a client's subscription showed, one text for each view. */
  readonly watch: (client: Client, service: string) => string[];
  /** Pushes that came to clients since the last call, with what they carried. */
  readonly pushes: () => string[];
}

async function conversation(seed: number, shape: ClusterShape): Promise<Conversation> {
  let pushes: string[] = [];
  const cluster = new SimCluster({
    seed,
    shape,
    traceMax: 100_000,
    carried: ({ method, direction, to, message }) => {
      if (method !== CONNECT_PATH || direction !== "response") return;
      for (const { key, instances, removedIds } of serverMessageFromBytes(message).pushes)
        pushes.push(`${to} ${key.service}: ${instances.length + removedIds.length}`);
    },
  });
  await cluster.start();
  return {
    cluster,
    openClient: (name, servers = cluster.sessions.map(({ address }) => address)) =>
      createClientWith({ ...cluster.portsOf(name), clientId: name }, { servers }),
    watch(client, service) {
      const views: string[] = [];
      client.subscribe(service).onChange(({ instances }) => void views.push(instances.map(({ id }) => id).join()));
      return views;
    },
    pushes() {
      const seen = pushes;
      pushes = [];
      return seen;
    },
  };
}

// The page to read first: who says what to whom until a registration on one session is a callback on another.
test("a registration travels from a client of one session to a subscriber of the other", async () => {
  const { cluster, openClient, watch } = await conversation(1, { data: 2, sessions: 2 });
  const [first, second] = cluster.sessions.map(({ address }) => address);

  const seen = watch(openClient("subscriber", [second!]), "orders");
  await cluster.clock.runFor(10);
  const registration = openClient("provider", [first!]).register({
    service: "orders",
    id: "a",
    address: "10.0.0.1:80",
  });
  await cluster.clock.runFor(10);
  void registration.unregister();
  await cluster.clock.runFor(10);

  expect(seen).toEqual(["", "a", ""]);
  await expect(`${renderTranscript(cluster.network.trace(), describeMessage)}\n`).toMatchFileSnapshot(
    "transcripts/registration.txt",
  );
});

test("a slot whose leader is killed is taken over by its follower, and nobody is told what they know already", async () => {
  const { cluster, openClient, watch, pushes } = await conversation(2, { data: 3, sessions: 2 });
  const client = openClient("client");
  const seen = watch(client, "orders");
  void client.register({ service: "orders", id: "a", address: "10.0.0.1:80" });
  await cluster.clock.runFor(5_000);
  expect(seen.at(-1)).toBe("a");
  const leader = cluster.leaderOf("orders");
  const [follower] = cluster.followersOf("orders");
  expect(follower, "somebody follows the slot").toBeDefined();

  cluster.network.clearTrace();
  pushes();
  const killedAt = cluster.clock.now();
  leader.crash();
  void client.register({ service: "orders", id: "b", address: "10.0.0.2:80" });
  // R3: the slot serves again within 4 s, of which the lease of the node is 3.
  await cluster.clock.runUntilIdleOr(() => seen.at(-1) === "a,b", 10_000);
  expect(cluster.clock.now() - killedAt).toBeLessThanOrEqual(4_000);
  await cluster.clock.runFor(100);

  expect(cluster.leaderOf("orders"), "the follower leads").toBe(follower);
  expect(pushes(), "the new instance is all that is pushed").toEqual(["client orders: 1"]);
  await expect(transcriptAbout(cluster, "orders")).toMatchFileSnapshot("transcripts/takeover.txt");
});

test("a slot moves to a data node that was added, once, and no view changes", async () => {
  const { cluster, openClient, watch, pushes } = await conversation(3, { data: 2, sessions: 2 });
  const services = Array.from({ length: 12 }, (_, index) => `service-${index + 1}`);
  const client = openClient("client");
  const views = new Map(services.map((service) => [service, watch(client, service)]));
  for (const service of services) void client.register({ service, id: "a", address: "10.0.0.1:80" });
  await cluster.clock.runFor(5_000);
  const before = new Map(services.map((service) => [service, cluster.ownerOf(service)!]));
  pushes();
  cluster.network.clearTrace();

  const added = cluster.addData();
  const moved = (): string[] => services.filter((service) => cluster.ownerOf(service)?.leader === added.nodeId);
  await cluster.clock.runUntilIdleOr(() => moved().length > 0, 120_000);
  const [service] = moved();
  expect(service, "the slot of one of the services has moved").toBeDefined();
  // All that is to be said of this slot is said within a second; the others may follow.
  await cluster.clock.runFor(1_000);
  await expect(transcriptAbout(cluster, service!)).toMatchFileSnapshot("transcripts/planned-move.txt");

  await cluster.clock.runFor(60_000);
  for (const service of services) {
    const { leader, leaderEpoch } = cluster.ownerOf(service)!;
    const { leader: leaderBefore, leaderEpoch: epochBefore } = before.get(service)!;
    expect(leaderEpoch - epochBefore, `moves of ${service}`).toBe(leader === leaderBefore ? 0 : 1);
    expect(views.get(service)).toEqual(["", "a"].slice(-views.get(service)!.length));
  }
  expect(pushes(), "nothing has changed, so nothing is pushed").toEqual([]);
  void client.register({ service: service!, id: "b", address: "10.0.0.2:80" });
  await cluster.clock.runFor(100);
  expect(views.get(service!)!.at(-1), "the new leader serves").toBe("a,b");
});

test("a session is killed: its clients go to another one, and nobody else hears of it", async () => {
  const { cluster, openClient, watch, pushes } = await conversation(4, { data: 2, sessions: 2 });
  const provider = openClient("provider");
  let server = "";
  provider.on("connected", (event) => (server = event.server));
  void provider.register({ service: "orders", id: "a", address: "10.0.0.1:80" });
  await cluster.clock.runFor(100);
  const lost = cluster.nodeAt(server)!;
  const stays = cluster.sessions.find((session) => session !== lost)!;
  const seen = watch(openClient("subscriber", [stays.address]), "orders");
  await cluster.clock.runFor(5_000);
  expect(seen).toEqual(["a"]);
  pushes();
  cluster.network.clearTrace();

  lost.crash();
  await cluster.clock.runFor(6_000);
  await expect(transcriptAbout(cluster, "orders")).toMatchFileSnapshot("transcripts/session-loss.txt");

  expect(server, "the provider is with the other session").toBe(stays.address);
  // Longer than the lease after which what the lost session held would go.
  await cluster.clock.runFor(30_000);
  expect(seen).toEqual(["a"]);
  expect(pushes()).toEqual([]);
});

test("a session that was cut off for longer than its lease comes back with all that it holds", async () => {
  const { cluster, openClient, watch } = await conversation(3, { data: 2, sessions: 2 });
  const [first, second] = cluster.sessions.map(({ address }) => address);
  const servers = [cluster.meta, ...cluster.data].map(({ address }) => address);
  const seen = watch(openClient("subscriber", [second!]), "orders");
  void openClient("provider", [first!]).register({ service: "orders", id: "a", address: "10.0.0.1:80" });
  await cluster.clock.runFor(1_000);
  expect(seen.at(-1)).toBe("a");

  cluster.network.partition(first!, servers);
  await cluster.clock.runFor(15_000);
  expect(seen.at(-1), "within the lease it stays").toBe("a");
  await cluster.clock.runFor(15_000);
  expect(seen.at(-1), "the others have to take it for gone").toBe("");

  cluster.network.heal();
  await cluster.clock.runFor(10_000);
  expect(seen.at(-1)).toBe("a");
});
