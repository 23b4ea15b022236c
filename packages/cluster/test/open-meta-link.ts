/** A node's link to meta, with the test as meta. */

import {
  EMPTY_SLOT_TABLE,
  RegistryError,
  SOFTWARE_VERSION,
  epoch,
  messageFromFrame,
  silentLog,
  slotId,
  type ClusterState,
  type JoinRequest,
  type JoinResponse,
  type NodeHello,
  type SlotId,
  type SlotTable,
} from "@rollcall/core";
import { frameFromJoinResponse, joinRequestFromBytes } from "@rollcall/protocol";
import { SimClock } from "@rollcall/testing";
import { ControlSet } from "../src/control-set.ts";
import { MetaLink, type Membership } from "../src/meta-link.ts";
import { FakeDialer, type FakeStream } from "./fake-dialer.ts";

export const HEARTBEAT_MS = 1_000;
export const lost = new RegistryError("unavailable", "gone");

export const table = (tableEpoch: number, leaderEpoch: number): SlotTable => ({
  epoch: epoch(tableEpoch),
  owners: EMPTY_SLOT_TABLE.owners.map(() => ({ leader: "d", followers: [], leaderEpoch: epoch(leaderEpoch) })),
});

export const state = (version: number, change: Partial<ClusterState> = {}): ClusterState => ({
  clusterId: "ours",
  version,
  members: [
    {
      nodeId: "data-1",
      incarnation: 4,
      role: "data",
      address: "data-1:1",
      draining: false,
      unsteady: false,
      zone: "",
      software: "",
      unreachableFrom: [],
    },
  ],
  table: table(version, version),
  departed: [],
  ...change,
});

/** What the node of {@link openLink} says first. */
export const HELLO: Omit<NodeHello, "incarnation"> = {
  nodeId: "data-1",
  startId: "first start",
  role: "data",
  address: "data-1:1",
  slotCount: 256,
  replicas: 0,
  hash: "murmur3-x86-128",
  clusterId: "",
  zone: "",
  software: SOFTWARE_VERSION,
};

interface LinkSetup {
  readonly metas?: readonly string[];
  readonly first?: number;
  readonly synced?: () => ReadonlySet<SlotId>;
}

export function openLink({ metas = ["meta-1:1", "meta-2:1", "meta-3:1"], first = 0, synced }: LinkSetup = {}) {
  const clock = new SimClock();
  const dialer = new FakeDialer(clock);
  const told: Membership[] = [];
  const errors: string[] = [];
  const log = { ...silentLog, error: (message: string) => void errors.push(message) };
  const random = { next: () => first / metas.length, id: () => "" };
  const hello = { startId: "first start", role: "data" } as const;
  const node = { nodeId: "data-1", metas, heartbeatMs: HEARTBEAT_MS };
  const refusals: string[] = [];
  const refused = (why: RegistryError) => void refusals.push(why.message);
  const controls = new ControlSet();
  const options = { node, hello, refused, controls, ...(synced && { synced }) };
  const link = new MetaLink(options, { clock, random, dialer, log }, (membership) => told.push(membership));
  link.open("data-1:1");
  return { clock, dialer, told, errors, link, controls, refusals, hello: HELLO };
}

export const answer = (stream: FakeStream, response: Partial<JoinResponse> = {}) =>
  stream.receive(
    messageFromFrame(
      frameFromJoinResponse({
        incarnation: 4,
        state: undefined,
        sequence: 0,
        loads: undefined,
        controls: undefined,
        usage: undefined,
        ...response,
      }),
    ),
  );
export const said = (stream: FakeStream): JoinRequest[] => stream.sent.map(joinRequestFromBytes);
/** What a node says in its `sequence`th message on a link. */
export const saying = (sequence: number, change: Partial<JoinRequest> = {}): JoinRequest => ({
  hello: undefined,
  stateVersion: 0,
  leaving: false,
  sequence,
  synced: new Set(),
  load: undefined,
  usage: undefined,
  controlsVersion: 0,
  controlsReceived: 0,
  draining: false,
  unreachable: [],
  ...change,
});
export const slots = (...numbers: number[]): ReadonlySet<SlotId> => new Set(numbers.map(slotId));
