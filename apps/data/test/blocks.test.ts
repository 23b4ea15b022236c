/** What operators have blocked is shown to nobody, and is there again when the block ends. */

import { serviceKey, type ControlRecord, type NamespaceBlock, type ServiceBlock } from "@rollcall/core";
import { expect, test } from "vitest";
import { session as memberOf, US } from "./cluster-fixture.ts";
import { ORDERS, startStorage } from "./storage-fixture.ts";

const S1 = memberOf("session-1");

const namespaceBlock: NamespaceBlock = { kind: "namespace block", namespace: ORDERS.namespace };
const serviceBlock: ServiceBlock = { kind: "service block", key: ORDERS };
const elsewhere: ServiceBlock = { kind: "service block", key: serviceKey({ service: "payments" }) };

async function started() {
  const world = startStorage({ leader: US, sessions: [S1] });
  const { blocks } = world;
  const session = world.link(S1);
  await session.ask({ reports: session.reports() });
  const decide = async (...controls: (NamespaceBlock | ServiceBlock)[]): Promise<void> => {
    const records = controls.map((control, index) => ({
      id: String(index),
      version: 1,
      author: "ann",
      reason: "",
      decidedAt: "",
      expiresInMs: undefined,
      control,
    })) as (ControlRecord<NamespaceBlock> | ControlRecord<ServiceBlock>)[];
    const changed = blocks.adopt(records);
    world.storage.reshowing.show(blocks.affectedIn(world.storage.datums, changed), "the test has decided");
    await world.clock.runFor(0);
  };
  const shown = () => {
    const { datum, confirmed } = world.storage.shownOf(ORDERS)!;
    return { ids: [...datum.instances()].map(({ id }) => id).toSorted(), confirmed };
  };
  const register = (id: string, counter: number) => session.writes(session.write("register", id, counter));
  return { storage: world.storage, session, blocks, decide, shown, register };
}

test.each([
  { what: "its service", block: serviceBlock },
  { what: "its namespace", block: namespaceBlock },
])(
  "with $what blocked nothing is shown, and the leader vouches for that; then everything is shown again",
  async (given) => {
    const { decide, register, session, shown } = await started();
    await register("a", 1);
    await register("gone", 1);
    await decide(given.block);
    expect(shown()).toEqual({ ids: [], confirmed: true });
    await register("b", 1);
    await register("a", 2);
    await session.writes(session.write("unregister", "gone", 2));
    expect(shown()).toEqual({ ids: [], confirmed: true });
    await decide();
    expect(shown()).toEqual({ ids: ["a", "b"], confirmed: true });
  },
);

test("a block of something else changes nothing, nor does one of two that ends", async () => {
  const { decide, register, shown, storage } = await started();
  await register("a", 1);
  const { version } = storage.shownOf(ORDERS)!.datum;
  await decide(elsewhere);
  expect(shown().ids).toEqual(["a"]);
  expect(storage.shownOf(ORDERS)!.datum.version).toEqual(version);
  await decide(namespaceBlock, serviceBlock);
  await decide(serviceBlock);
  expect(shown().ids).toEqual([]);
});

test("whoever looks at the node is told what is blocked, and of very many how many", async () => {
  const { blocks, decide } = await started();
  await decide(serviceBlock, namespaceBlock);
  expect(blocks.notices()).toEqual([
    "service default/default/orders is blocked, decided by ann",
    "namespace default is blocked, decided by ann",
  ]);
  await decide(...Array.from({ length: 25 }, () => serviceBlock));
  expect(blocks.notices()).toHaveLength(11);
  expect(blocks.notices().at(-1)).toBe("15 more namespaces and services are blocked");
});
