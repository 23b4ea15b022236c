/**
 * The product, broken on purpose in one place at a time, and where that has to show. Each takes away one thing on which
 * a promise rests; nothing in the product knows of it.
 */

import {
  Datum,
  Deliveries,
  compareVersions,
  epoch,
  slotOfServiceKey,
  type Digest,
  type SlotOwner,
  type SlotTable,
  type Version,
} from "@rollcall/core";
import {
  Departures,
  EvictionGuard,
  Overrides,
  SlotContent,
  SlotOwnership,
  Storage,
  Tombstones,
} from "@rollcall/data/parts";
import { TableDraft } from "@rollcall/meta/parts";
import { Feed } from "@rollcall/sdk/parts";
import { PushSwitch, RegistrationStore, Telling, View } from "@rollcall/session/parts";
import type { Property } from "@rollcall/testing";

import { controls } from "../src/scenarios/controls.ts";
import { leasesLost } from "../src/scenarios/leases.ts";
import { fullRestart } from "../src/scenarios/full-restart.ts";
import { duplicates, onBadLinks } from "../src/scenarios/links.ts";
import { leaderLoss, pairLoss, sessionLoss } from "../src/scenarios/losses.ts";
import { overrides } from "../src/scenarios/overrides.ts";
import { staleTimers } from "../src/scenarios/pauses.ts";
import type { SimScenario } from "../src/sim-scenario.ts";
import { breakGetter, breakMethod, type Mend } from "./mutants-breaking.ts";

export interface Mutant {
  readonly name: string;
  /** Begins to break the product. */
  readonly begin: () => Mend[];
  readonly scenario: SimScenario;
  /** One of these has to be found violated. */
  readonly violates: readonly Property[];
  /** The seed at which that was seen. */
  readonly seed: number;
}

const BEFORE_ANY: Version = { epoch: epoch(0), counter: 0 };

export const mutants: readonly Mutant[] = [
  {
    name: "skip the reconcile: a new leader waits for no session",
    begin: () => [
      breakMethod(SlotOwnership, "adopt", (original) => (self, state, _absent, now) => {
        const members = state.members.filter(({ role }) => role !== "session");
        return original(self, { ...state, members }, [], now);
      }),
    ],
    scenario: pairLoss,
    violates: ["P3", "P5"],
    seed: 1,
  },
  {
    name: "skip the reconcile: a leader agrees with every report",
    begin: () => {
      let said: ReadonlyMap<number, Digest> = new Map();
      return [
        breakMethod(Storage, "receive", (original) => (self, peer, request) => {
          said = new Map(request.reports.map(({ slot, digest }) => [slot, digest]));
          original(self, peer, request);
          said = new Map();
        }),
        breakMethod(
          SlotContent,
          "digestOfSession",
          (original) => (self, session) => said.get(self.slot) ?? original(self, session),
        ),
      ];
    },
    scenario: pairLoss,
    violates: ["P3"],
    seed: 2,
  },
  {
    name: "reuse an epoch: a leader that knows nothing of the slot gets the one of the leader before",
    begin: () => {
      let before: SlotTable | undefined;
      return [
        breakMethod(TableDraft, "table", (original) => (self) => {
          const table = original(self);
          if (table === before) return table;
          const owners = table.owners.map((owner, slot): SlotOwner => {
            const known = before?.owners[slot];
            const { leader, leaderEpoch } = owner;
            if (known?.leader === undefined || known.leaderEpoch === leaderEpoch) return owner;
            const isFollower = leader !== undefined && known.followers.includes(leader);
            const knowsNothing = self.node(leader)?.restarted === true || (leader !== known.leader && !isFollower);
            return knowsNothing ? { ...owner, leaderEpoch: known.leaderEpoch } : owner;
          });
          before = { ...table, owners };
          return before;
        }),
      ];
    },
    scenario: pairLoss,
    violates: ["P11"],
    seed: 1,
  },
  {
    name: "drop tombstones: a removal is forgotten at once",
    begin: () => [
      breakMethod(Tombstones, "expire", (original) => (self) => original(self, Infinity)),
      breakMethod(RegistrationStore, "sweep", (original) => (self) => original(self, Infinity)),
    ],
    scenario: duplicates,
    violates: ["P4", "P5"],
    seed: 6,
  },
  {
    name: "push before complete: a list is vouched for while its slot is being taken over",
    begin: () => [
      breakMethod(
        Storage,
        "shownOf",
        (original) => (self, key) =>
          self.ownership.of(slotOfServiceKey(key)).kind === "taking over"
            ? { datum: self.datums.obtain(key).datum, confirmed: true }
            : original(self, key),
      ),
    ],
    scenario: pairLoss,
    violates: ["P3"],
    seed: 2,
  },
  {
    name: "evict on a stale timer: who wakes believes that the others were silent",
    begin: () => [
      breakMethod(Departures, "restart", () => () => {}),
      breakMethod(Departures, "expire", (original) => (self, now) => original(self, now, Infinity)),
    ],
    scenario: staleTimers,
    violates: ["P3"],
    seed: 1,
  },
  {
    name: "push twice",
    begin: () => [
      breakMethod(
        Deliveries,
        "due",
        (original) =>
          function* (self, now) {
            for (const due of original(self, now)) {
              yield due;
              yield due;
            }
          },
      ),
    ],
    scenario: leaderLoss,
    violates: ["P12"],
    seed: 2,
  },
  {
    name: "acknowledge before applying",
    begin: () => [
      breakMethod(RegistrationStore, "wish", (original) => (self, wish, settled) => {
        original(self, wish);
        settled?.({ kind: "applied", version: BEFORE_ANY });
      }),
    ],
    scenario: sessionLoss,
    violates: ["P5"],
    seed: 3,
  },
  {
    name: "acknowledge and forget",
    begin: () => [
      breakMethod(RegistrationStore, "wish", (original) => (self, wish, settled) => {
        if (wish.instanceId.endsWith("1")) settled?.({ kind: "applied", version: BEFORE_ANY });
        else original(self, wish, settled);
      }),
    ],
    scenario: sessionLoss,
    violates: ["P13"],
    seed: 3,
  },
  {
    name: "show an empty list that nobody vouches for: no server withholds it, no client doubts it",
    begin: () => {
      const doubtful = new WeakSet<Feed>();
      return [
        breakMethod(Storage, "shownOf", (original) => (self, key) => {
          const isTakenOver = self.ownership.of(slotOfServiceKey(key)).kind === "taking over";
          return isTakenOver ? { datum: self.datums.obtain(key).datum, confirmed: false } : original(self, key);
        }),
        breakGetter(View, "shown", (original) => (self) => {
          const isHere = self.datum.version.epoch > 0;
          return original(self) ?? (isHere ? { datum: self.datum, confirmed: false } : undefined);
        }),
        breakGetter(Feed, "held", () => () => undefined),
        breakMethod(Feed, "take", (original) => (self, update, clusterId) => {
          if (update.confirmed) doubtful.delete(self);
          else doubtful.add(self);
          return original(self, { ...update, confirmed: true }, clusterId);
        }),
        breakGetter(Feed, "view", (original) => (self) => {
          const view = original(self);
          return view && { ...view, confirmed: !doubtful.has(self) };
        }),
      ];
    },
    scenario: fullRestart,
    violates: ["P7"],
    seed: 4,
  },
  {
    name: "take deltas unchecked that lack a change",
    begin: () => [
      breakMethod(Datum, "changedSince", (original) => (self, base) => {
        const ids = original(self, base);
        return ids && new Set([...ids].slice(0, -1));
      }),
      breakMethod(Datum, "apply", (original) => (self, update) => {
        if (update.baseDigest === undefined) return original(self, update);
        if (compareVersions(update.version, self.version) <= 0) return "older";
        for (const id of update.removedIds) self.remove(id, update.version);
        for (const instance of update.instances) self.put(instance, update.version);
        self.adopt(update.version);
        return "applied";
      }),
    ],
    scenario: duplicates,
    violates: ["P5"],
    seed: 1,
  },
  {
    name: "believe that a third of all clients end at once: no guard of leases",
    begin: () => [
      breakMethod(
        EvictionGuard,
        "allow",
        () =>
          (_self, { overdue }) =>
            overdue,
      ),
    ],
    scenario: leasesLost,
    violates: ["P3"],
    seed: 1,
  },
  {
    name: "call a drain done early: a session does not wait for what its subscribers say",
    begin: () => [breakGetter(Telling, "behind", () => () => 0)],
    scenario: onBadLinks,
    violates: ["P13"],
    seed: 1,
  },
  {
    name: "forget what an operator has decided when its provider speaks again",
    begin: () => [
      breakMethod(
        Overrides,
        "of",
        (original) => (self, claim) => (claim.version.counter > 1 ? claim : original(self, claim)),
      ),
    ],
    scenario: overrides,
    violates: ["P8"],
    seed: 1,
  },
  {
    name: "keep what a client had that is gone",
    begin: () => [breakMethod(RegistrationStore, "abandon", () => () => {})],
    scenario: leaderLoss,
    violates: ["P6"],
    seed: 2,
  },
  {
    name: "push what an operator holds: the switch is looked at by nobody",
    begin: () => [breakMethod(PushSwitch, "holds", () => () => undefined)],
    scenario: controls,
    violates: ["P8"],
    seed: 1,
  },
];
