import { NO_FILTER, RegistryError, type ClientOff } from "@rollcall/core";
import { expect, test } from "vitest";

import { connect, helloOf, registerItem, startBackend, startLinks } from "./client-fixture.ts";
import { ORDERS } from "./fixture.ts";

const off = (what: { register?: boolean; subscribe?: boolean }, range = "10.0.0.0/24"): ClientOff => ({
  kind: "client off",
  clients: { kind: "address", range },
  register: false,
  subscribe: false,
  ...what,
});

const inShort = (writes: readonly { kind: string; instanceId: string; heldBack?: boolean | undefined }[]) =>
  writes.map(({ kind, instanceId, heldBack }) => `${kind} ${instanceId}${heldBack === true ? ", held back" : ""}`);

test("a client is told what is off with its hello and when that changes, and nothing when all is on", async () => {
  const backend = startBackend();
  backend.decide(off({ register: true }));
  const { connection, heard } = connect(backend);
  expect((await heard()).map(({ hello, switchedOff }) => [hello?.nodeId, switchedOff])).toEqual([
    ["session-1", { register: true, subscribe: false }],
  ]);
  connection.switchesChanged();
  expect(await heard()).toEqual([]);
  backend.decide(off({ register: true }, "10.9.0.0/16"));
  connection.switchesChanged();
  expect((await heard()).map(({ switchedOff }) => switchedOff)).toEqual([{ register: false, subscribe: false }]);
  const other = connect(backend);
  expect((await other.heard()).map(({ switchedOff }) => switchedOff)).toEqual([undefined]);
});

test("what it registers is held back before and after, and answered when it is in the list", async () => {
  const backend = startBackend();
  const { connection, say, heard } = connect(backend);
  say({ registers: [registerItem(1, 1)] });
  expect(inShort(backend.answer())).toEqual(["register i-1"]);
  await heard();
  backend.decide(off({ register: true }));
  connection.switchesChanged();
  say({ registers: [registerItem(2, 1, "i-2")] });
  expect(inShort(backend.answer()).toSorted()).toEqual(["unregister i-1, held back", "unregister i-2, held back"]);
  expect((await heard()).flatMap(({ results }) => results)).toEqual([]);
  backend.decide();
  connection.switchesChanged();
  expect(inShort(backend.answer()).toSorted()).toEqual(["register i-1", "register i-2"]);
  expect((await heard()).flatMap(({ results }) => results).map(({ sequence }) => sequence)).toEqual([2]);
});

test("it is pushed nothing, is waited for by nobody, and is pushed what it has missed", async () => {
  const backend = startBackend();
  backend.decide(off({ subscribe: true }));
  const { connection, say, heard, state } = connect(backend);
  say({ subscribes: [{ key: ORDERS, filter: NO_FILTER, held: undefined }] });
  await backend.notify();
  expect((await heard()).flatMap(({ pushes }) => pushes)).toEqual([]);
  expect([state.isRestored, connection.isSettled, connection.held]).toEqual([true, true, 1]);
  backend.decide();
  connection.switchesChanged();
  expect((await heard()).flatMap(({ pushes }) => pushes)).toHaveLength(1);
  expect(connection.held).toBe(0);
});

test("what is registered over a connection that was lost is held back as well, while it waits for its client", async () => {
  const backend = startLinks();
  const { say, end } = backend.open();
  say({ hello: helloOf("client-1"), registers: [registerItem(1, 1)] });
  backend.answer();
  end(new RegistryError("unavailable", "reset"));
  backend.decide(off({ register: true }));
  backend.links.switchesChanged();
  expect(inShort(backend.answer())).toEqual(["unregister i-1, held back"]);
});
