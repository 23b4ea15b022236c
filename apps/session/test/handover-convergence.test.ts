/** Whatever is lost, forgotten or invented: when that is over, the leader has what the session holds, and all is quiet. */

import { ALL_SLOTS, messageFromFrame, serviceKey, type LinkRequest } from "@rollcall/core";
import { linkRequestFromBytes, frameFromLinkRequest } from "@rollcall/protocol";
import { SeededRandom } from "@rollcall/testing";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { RegistrationOwner } from "../src/registrations/registration-owner.ts";
import type { Wish } from "../src/registrations/registration-store.ts";
import { slotTable } from "./fixture.ts";
import { LeaderModel, nameOf } from "./leader-model.ts";
import { startPeer } from "./peer-fixture.ts";

const action = fc.record({
  kind: fc.constantFrom(
    "register",
    "register",
    "unregister",
    "lease",
    "switch",
    "lose",
    "invent",
    "lead",
    "link",
    "wait",
    "wait",
  ),
  service: fc.integer({ min: 0, max: 5 }),
  id: fc.integer({ min: 0, max: 3 }),
  ms: fc.constantFrom(0, 1, 50, 1_100, 5_000),
});
type Action = typeof action extends fc.Arbitrary<infer Value> ? Value : never;

class Run {
  readonly session = startPeer();
  readonly leader = new LeaderModel();
  readonly #random: SeededRandom;
  readonly #owner = new RegistrationOwner();
  #counter = 0;
  #tableEpoch = 1;
  #heldBack = false;
  loss: number;

  constructor(seed: number, loss: number) {
    this.#random = new SeededRandom(seed);
    this.loss = loss;
    this.session.adopt(slotTable(1, "d-1"));
    this.session.peer.linked();
  }

  async do({ kind, service, id, ms }: Action): Promise<void> {
    const key = serviceKey({ service: `s-${service}` });
    const counter = ++this.#counter;
    const wish: Wish = {
      key,
      instanceId: `i-${id}`,
      clientId: "c",
      owner: this.#owner,
      version: { incarnation: 1, counter },
      removed: kind === "unregister",
      instance: Uint8Array.of(counter),
      leaseMs: 0,
      heldBack: this.#heldBack,
    };
    const { session, leader } = this;
    switch (kind) {
      case "register":
      case "unregister":
        return session.registrations.wish(wish);
      case "lease":
        return session.registrations.wish({
          ...wish,
          clientId: "",
          owner: undefined,
          leaseMs: 600_000,
          heldBack: false,
        });
      case "switch":
        this.#heldBack = !this.#heldBack;
        return session.registrations.holdBack(this.#owner, this.#heldBack);
      case "lose":
        return leader.lose(() => this.#random.chance(0.5));
      case "invent":
        return leader.invent({ ...wish, kind: "register", sequence: 0, leaderEpoch: leader.leaderEpoch });
      case "lead": {
        const table = slotTable(++this.#tableEpoch, "d-1");
        leader.leaderEpoch = table.owners[0]!.leaderEpoch;
        leader.lose(() => this.#random.chance(0.3));
        return session.adopt(table);
      }
      case "link":
        session.peer.lost();
        leader.linked();
        return session.peer.linked();
      case "wait":
        await this.pass(ms);
    }
  }

  /** Time passes, and messages, some of which are lost. */
  async pass(ms: number): Promise<number> {
    let carried = 0;
    for (let passed = 0; passed <= ms; passed += 250) {
      carried += await this.#talk();
      await this.session.clock.runFor(Math.min(250, ms - passed));
      this.session.sweep();
    }
    return carried;
  }

  async #talk(): Promise<number> {
    let carried = 0;
    for (let requests = await this.session.said(); requests.length > 0; requests = await this.session.said()) {
      for (const request of requests) {
        carried++;
        if (this.#random.chance(this.loss)) continue;
        const response = this.leader.receive(asSent(request));
        if (!this.#random.chance(this.loss)) this.session.hear(response);
      }
    }
    return carried;
  }

  get held(): string[] {
    return ALL_SLOTS.flatMap((slot) => [...this.session.registrations.inSlot(slot)])
      .filter(({ removed, leaseMs, heldBack }) => !removed && leaseMs === 0 && !heldBack)
      .map((registration) => nameOf(registration))
      .toSorted();
  }
}

function asSent(request: Partial<LinkRequest>): LinkRequest {
  return linkRequestFromBytes(messageFromFrame(frameFromLinkRequest(request)));
}

test("the leader comes to hold what the session does", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.constantFrom(0, 0.1, 0.4),
      fc.array(action, { maxLength: 30, size: "max" }),
      async (seed, loss, story) => {
        const run = new Run(seed, loss);
        for (const step of story) await run.do(step);
        run.loss = 0;
        await run.pass(30_000);
        expect(run.leader.live).toEqual(run.held);
        expect([run.session.handover.openSlots, run.session.writer.waiting]).toEqual([0, 0]);
        const { handover, antiEntropy } = run.session;
        const [repairs, comparisons] = [handover.repairs, antiEntropy.comparisons];
        expect(await run.pass(30_000), "one comparison in an interval is all that is said").toBe(3);
        expect([handover.repairs, antiEntropy.comparisons]).toEqual([repairs, comparisons + 3]);
      },
    ),
    { numRuns: 150 },
  );
});
