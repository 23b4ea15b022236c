import type { LinkRequest, LinkResponse, SlotTable } from "@rollcall/core";
import { SeededRandom } from "@rollcall/testing";
import { AntiEntropy } from "../src/routing/anti-entropy.ts";
import { DataPeer } from "../src/routing/data-peer.ts";
import { Handover } from "../src/routing/handover.ts";
import { ServiceDirectory } from "../src/routing/service-directory.ts";
import { Tellings } from "../src/views/tellings.ts";
import { startBackend } from "./client-fixture.ts";

export const NOTHING_FROM_DATA: LinkResponse = {
  results: [],
  reported: [],
  notifications: [],
  answers: [],
  disagreed: [],
  differences: [],
  reportAll: false,
  copies: undefined,
  askAgain: [],
  toldQuestions: [],
  barriers: [],
  servicesNotifications: [],
  servicesDigests: [],
};

/** A session up to its link to the data node d-1, whose far end is the test. */
export function startPeer() {
  const backend = startBackend({
    wake: (nodeId) => void (nodeId === "d-1" && peer.wake()),
    written: (registration) => handover.written(registration),
  });
  const { clock, writer, registrations, interests, lists, barriers } = backend;
  const wake = () => peer.wake();
  const handover: Handover = new Handover({
    clock,
    registrations,
    hasPending: (slot) => writer.hasPending(slot),
    seen: () => interests.seen(),
    wake,
  });
  const random = new SeededRandom(1);
  const antiEntropy = new AntiEntropy({ clock, random, registrations, writer, handover, interests, wake });
  const directory = new ServiceDirectory((_nodeId, query) => peer.query(query));
  const tellings = new Tellings({ clock, copyOf: (key) => interests.find(key), wake });
  const sent: Partial<LinkRequest>[] = [];
  const link = { isOpen: true, isCongested: false, send: (request: Partial<LinkRequest>) => void sent.push(request) };
  const peer: DataPeer = new DataPeer(
    "d-1",
    clock,
    { writer, handover, antiEntropy, interests, lists, directory, barriers, tellings },
    link,
  );
  const adopt = (table: SlotTable): void => {
    for (const part of [writer, handover, antiEntropy, interests, directory, barriers]) part.adopt(table);
  };
  const sweep = (): void => {
    for (const part of [writer, handover, antiEntropy, interests, lists, barriers, tellings]) part.sweep(clock.now());
  };
  return {
    ...backend,
    handover,
    antiEntropy,
    directory,
    peer,
    link,
    adopt,
    sweep,
    said: async () => {
      await clock.runFor(0);
      return sent.splice(0);
    },
    hear: (response: Partial<LinkResponse>) => peer.receive({ ...NOTHING_FROM_DATA, ...response }),
  };
}

export type Peer = ReturnType<typeof startPeer>;
