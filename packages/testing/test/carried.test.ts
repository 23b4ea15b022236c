import { RegistryError } from "@rollcall/core";
import { expect, test } from "vitest";

import type { CarriedFrame, Refusal } from "../src/index.ts";
import { METHOD, frame, network } from "./network-fixture.ts";

test("an observer sees each frame just before its receiver does, and none that is not taken in", async () => {
  const seen: string[] = [];
  const text = new TextDecoder();
  const { clock, sim, accepted, dial } = network({
    carried: ({ link, direction, from, to, message }: CarriedFrame) =>
      seen.push(`${link}: ${direction} ${from} to ${to}: ${text.decode(message)}, ${accepted[0]?.heard.length ?? 0}`),
  });
  const client = dial();
  client.stream.send(frame("one"));
  client.stream.send(frame("two"));
  await clock.runFor(10);
  accepted[0]!.stream.send(frame("three"));
  await clock.runFor(10);
  sim.setFaults("all", { loss: 1 });
  client.stream.send(frame("lost"));
  await clock.runFor(10);
  const link = "client > server /rollcall.v1.Test/Link 0";
  expect(seen).toEqual([
    `${link}: request client to server: one, 0`,
    `${link}: request client to server: two, 1`,
    `${link}: response server to client: three, 2`,
  ]);
});

test("an observer hears who refuses a message, and why", async () => {
  const refusals: Refusal[] = [];
  const { clock, sim } = network({ refused: (refusal) => refusals.push(refusal) });
  const error = new RegistryError("protocol_violation", "no such message");
  sim.host("picky", new Map([[METHOD, (stream) => stream.listen({ closed: () => {}, message: refuse })]]));
  const stream = sim.dialer("client").dial("picky", METHOD);
  stream.listen({ closed: () => {}, message: () => {} });
  stream.send(frame("what"));
  await clock.runFor(10);
  expect(refusals).toEqual([{ method: METHOD, from: "client", to: "picky", error }]);

  function refuse(): never {
    throw error;
  }
});
