/** The links to all data nodes, kept up for as long as they are members of the cluster. */

import { LastingLink, unreachableBy, type LastingLinkPorts, type Membership } from "@rollcall/cluster";
import { assert, memberKey, type LinkRequest, type Log, type Member, type ServicesQuery } from "@rollcall/core";
import { LINK_PATH, frameFromLinkRequest, linkResponseFromBytes } from "@rollcall/protocol";

import { DataPeer, type Upstream } from "../routing/data-peer.ts";

interface LinkedNode {
  /** The life of the node that is linked, and ours as it was told. */
  readonly lives: string;
  readonly link: LastingLink;
  readonly peer: DataPeer;
}

export class DataLinks {
  readonly #nodeId: string;
  readonly #ports: LastingLinkPorts & { readonly log: Log };
  readonly #nodes = new Map<string, LinkedNode>();
  #upstream: Upstream | undefined;

  constructor(nodeId: string, ports: LastingLinkPorts & { readonly log: Log }) {
    this.#nodeId = nodeId;
    this.#ports = ports;
  }

  /** What there is to say, given once; it needs `wake` and `query` of this object to be made. */
  speakFor(upstream: Upstream): void {
    this.#upstream = upstream;
  }

  readonly wake = (nodeId: string): void => this.#nodes.get(nodeId)?.peer.wake();

  readonly query = (nodeId: string, query: ServicesQuery): void => this.#nodes.get(nodeId)?.peer.query(query);

  /** Links up with new data nodes and lets go of those that are gone. */
  adopt({ incarnation, state }: Membership): void {
    const members = new Map(
      state.members.filter(({ role }) => role === "data").map((member) => [member.nodeId, member]),
    );
    for (const [nodeId, { lives, link, peer }] of this.#nodes) {
      const member = members.get(nodeId);
      if (member !== undefined && lives === livesOf(member, incarnation)) continue;
      link.close();
      peer.lost();
      this.#nodes.delete(nodeId);
    }
    for (const member of members.values()) if (!this.#nodes.has(member.nodeId)) this.#link(member, incarnation);
  }

  /** Data nodes whose link is not up. */
  down(): string[] {
    return [...this.#nodes].filter(([, { link }]) => !link.isOpen).map(([nodeId]) => nodeId);
  }

  /** Data nodes that cannot be reached. */
  unreachable(now: number): string[] {
    return unreachableBy(
      [...this.#nodes].map(([nodeId, { link }]) => [nodeId, link] as const),
      now,
    );
  }

  close(): void {
    for (const { link } of this.#nodes.values()) link.close();
    this.#nodes.clear();
  }

  #link(member: Member, incarnation: number): void {
    const { nodeId, address } = member;
    assert(this.#upstream !== undefined, "the links are told whom they speak for before they are opened");
    const link = new LastingLink(LINK_PATH, this.#ports, {
      address: () => address,
      opened: () => {
        link.send(frameFromLinkRequest({ hello: { nodeId: this.#nodeId, incarnation } }));
        peer.linked();
      },
      message: (bytes) => peer.receive(linkResponseFromBytes(bytes)),
      drained: () => peer.wake(),
      lost: (error, isNews) => {
        this.#ports.log[isNews ? "warn" : "debug"]("lost the link to a data node", {
          member: nodeId,
          address,
          reason: error?.message ?? "closed",
        });
        peer.lost();
      },
    });
    const peer = new DataPeer(nodeId, this.#ports.clock, this.#upstream, {
      get isOpen() {
        return link.isOpen;
      },
      get isCongested() {
        return link.isCongested;
      },
      send: (request: Partial<LinkRequest>) => link.send(frameFromLinkRequest(request)),
    });
    this.#nodes.set(nodeId, { lives: livesOf(member, incarnation), link, peer });
    link.open();
  }
}

function livesOf(member: Member, ourIncarnation: number): string {
  return `${memberKey(member)} ${ourIncarnation}`;
}
