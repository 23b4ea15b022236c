/**
 * MetaService.Join: a node's heartbeats in, newer states of the cluster out. Only the meta that leads hears of heartbeats;
 * another one says who does.
 */

import {
  RegistryError,
  checkShortName,
  limitExceeded,
  type ClusterState,
  type Log,
  type MessageStream,
  type NodeHello,
  type StreamPeer,
} from "@rollcall/core";
import { frameFromJoinResponse, joinRequestFromBytes } from "@rollcall/protocol";

import type { Cluster } from "../cluster/cluster.ts";
import type { AppliedControls } from "../controls/applied-controls.ts";
import { ControlsCourse } from "../controls/controls-course.ts";
import type { ToldLoads } from "../membership/told-loads.ts";
import type { ToldUsage } from "../membership/told-usage.ts";
import type { KnownMember } from "../membership/members.ts";
import type { Candidate } from "../store/meta-store.ts";

interface JoinedLink {
  readonly cluster: Cluster;
  readonly stream: MessageStream;
  member: KnownMember | undefined;
  hello: NodeHello | undefined;
  /** The count of the newest message. */
  newest: number;
  /** Version of the loads it was told last; undefined for a node that has said nothing of its own. */
  knownLoads: number | undefined;
  /** The count of the newest message that was taken in before what the node is told was decided. */
  echo: number;
  readonly controls: ControlsCourse;
  /** Whether it has said what it has of namespaces with a quota. */
  hasUsage: boolean;
}

/** What nodes say of themselves. */
export interface Told {
  readonly loads: ToldLoads;
  readonly usage: ToldUsage;
  readonly applied: AppliedControls;
}

export class NodeLinks {
  readonly #log: Log;
  readonly #loads: ToldLoads;
  readonly #usage: ToldUsage;
  readonly #applied: AppliedControls;
  readonly #links = new Set<JoinedLink>();

  constructor(log: Log, { loads, usage, applied }: Told) {
    this.#log = log;
    this.#loads = loads;
    this.#usage = usage;
    this.#applied = applied;
  }

  accept(cluster: Cluster, stream: MessageStream, peer: StreamPeer): void {
    const link: JoinedLink = {
      cluster,
      stream,
      member: undefined,
      hello: undefined,
      newest: 0,
      echo: 0,
      knownLoads: undefined,
      controls: new ControlsCourse(cluster.controls.news, cluster.state.clusterId),
      hasUsage: false,
    };
    this.#links.add(link);
    stream.listen({
      message: (bytes) => this.#receive(link, bytes),
      // Losing the link is no reason to drop the node: its lease says how long it may be away.
      closed: (error) => {
        this.#links.delete(link);
        this.#log.info("a node's link ended", {
          peer: peer.address,
          member: link.hello?.nodeId,
          reason: error?.message ?? "closed",
        });
      },
    });
  }

  /** Sends a node to the meta that leads, or, while none is known to, back to its list. */
  redirect(stream: MessageStream, leader: Candidate | undefined): void {
    stream.listen({ message: () => {}, closed: () => {} });
    if (leader === undefined) {
      stream.close(new RegistryError("not_ready", "no meta is known to lead"));
      return;
    }
    stream.send(
      frameFromJoinResponse({
        incarnation: 0,
        state: undefined,
        sequence: 0,
        loads: undefined,
        controls: undefined,
        usage: undefined,
        leader: leader.address,
      }),
    );
    stream.close(new RegistryError("unavailable", `${leader.nodeId} at ${leader.address} leads`));
  }

  /** Tells every node that has joined. */
  tell(state: ClusterState): void {
    for (const link of this.#links) this.#answer(link, state);
  }

  /** Tells the sessions how many clients each of them has. */
  tellLoads(): void {
    for (const link of this.#links) if (link.knownLoads !== undefined) this.#send(link, undefined);
  }

  /** Tells every node what has been decided. One that is busy is told when it speaks the next time. */
  tellControls(): void {
    for (const link of this.#links) if (!link.stream.congested) this.#send(link, undefined);
  }

  closeAll(why: RegistryError): void {
    for (const { stream } of this.#links) stream.close(why);
    this.#links.clear();
  }

  #receive(link: JoinedLink, bytes: Uint8Array): void {
    const request = joinRequestFromBytes(bytes);
    const { cluster } = link;
    if (request.hello !== undefined) {
      checkHello(request.hello);
      this.#expectFree(link, request.hello);
      link.hello = request.hello;
      link.member = cluster.join(request.hello);
    }
    const { hello, member } = link;
    if (hello === undefined || member === undefined)
      throw new RegistryError("protocol_violation", "the first message of a node is its hello");
    if (request.leaving) {
      cluster.leave(member);
      return;
    }
    // A lease that ended while the link was up: the same node comes back as a new life of itself.
    if (!cluster.renew(member)) link.member = cluster.join({ ...hello, incarnation: member.incarnation });
    cluster.reportStopping(member, request.draining);
    cluster.reportUnreachable(member, request.unreachable);
    cluster.reportSynced(member.nodeId, request.stateVersion, request.synced);
    if (request.load !== undefined) {
      link.knownLoads = request.load.known;
      this.#loads.report(member.nodeId, request.load);
    }
    link.controls.heard(request);
    link.hasUsage = request.usage !== undefined;
    if (request.usage !== undefined) this.#usage.report(member, request.usage);
    if (request.controlsVersion !== undefined) this.#applied.report(member, request.controlsVersion);
    // To a node that knows more than this meta, nothing is said of how new its knowledge is.
    if (request.stateVersion <= cluster.state.version) link.newest = request.sequence;
    this.#answer(link, request.stateVersion < cluster.state.version ? cluster.state : undefined);
  }

  /**
   * Of two processes with one name at different addresses, the one that is there stays, as long as it is heard. At the same
   * address there cannot be two: it was started again, and its old link ends in a moment.
   */
  #expectFree({ cluster }: JoinedLink, { nodeId, startId, address }: NodeHello): void {
    const owner = [...this.#links].find(
      ({ hello, member }) =>
        hello?.nodeId === nodeId && hello.startId !== startId && hello.address !== address && cluster.isMember(member!),
    )?.hello;
    if (owner === undefined) return;
    const message = `${nodeId} is the name of a node at ${owner.address} that is there`;
    throw new RegistryError("conflict", message, {
      subject: { field: "node_id", limit: "a name of its own", value: nodeId },
    });
  }

  /** A state without the node itself is not told to it: the one that has it is on its way to the store. */
  #answer(link: JoinedLink, state: ClusterState | undefined): void {
    const { cluster, member } = link;
    if (member === undefined) return;
    const known = state?.members.some(
      ({ nodeId, incarnation }) => nodeId === member.nodeId && incarnation === member.incarnation,
    );
    // While something that has happened is not durable yet, or not told, what the node knows is of an older time.
    if (cluster.isCurrent && (state === undefined || known)) link.echo = link.newest;
    this.#send(link, known ? state : undefined);
  }

  #send(link: JoinedLink, state: ClusterState | undefined): void {
    if (link.member === undefined) return;
    const { incarnation } = link.member;
    const loads = this.#loads.present;
    const hasLoads = link.knownLoads === undefined || link.knownLoads === loads.version;
    // Until the node says otherwise.
    if (!hasLoads) link.knownLoads = loads.version;
    // A node begins with its first state, and it is not to begin without knowing what was decided.
    const controls = link.controls.next(link.member.role, state !== undefined);
    const usage = link.hasUsage ? this.#usage.elsewhere(link.member, link.cluster.state.members) : undefined;
    const response = { incarnation, state, sequence: link.echo, loads: hasLoads ? undefined : loads, controls, usage };
    link.stream.send(frameFromJoinResponse(response));
  }
}

/** More than any version of ours has. */
const SOFTWARE_LENGTH = 64;

function checkHello({ nodeId, zone, software }: NodeHello): void {
  checkShortName("node_id", nodeId);
  if (zone !== "") checkShortName("zone", zone);
  if (software.length > SOFTWARE_LENGTH)
    throw limitExceeded("software", `${SOFTWARE_LENGTH} characters`, software.length);
}
