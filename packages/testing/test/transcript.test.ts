import { expect, test } from "vitest";
import { renderTranscript } from "../src/index.ts";
import { frame, METHOD, network } from "./network-fixture.ts";

test("a conversation reads like a story", async () => {
  const { clock, sim, accepted, dial } = network({ traceMax: 100 });
  const client = dial();
  client.stream.send(frame("hello"));
  await clock.runUntil(1);
  sim.partition("client", "server");
  accepted[0]!.stream.send(frame("welcome\nto the cluster"));
  accepted[0]!.stream.send(frame("(heartbeat)"));
  await clock.runUntil(2);
  sim.heal();
  await clock.runUntil(3);
  client.stream.close();
  await clock.runUntil(4);

  const text = new TextDecoder();
  const transcript = renderTranscript(sim.trace(), (method, direction, message) => {
    expect(method).toBe(METHOD);
    const words = text.decode(message);
    return words === "(heartbeat)" ? "" : direction === "request" ? `asks ${words}` : words;
  });
  expect(`\n${transcript}`).toBe(`
     0.000  client -> server  [dialled /rollcall.v1.Test/Link]
     0.500  server -> client  [accepted /rollcall.v1.Test/Link]
     0.500  client -> server  asks hello
     1.500  server -> client  (held) welcome
              to the cluster
     2.500  server -> client  welcome
              to the cluster
     3.000  client -> server  [closed /rollcall.v1.Test/Link]
     3.500  server -> client  [closed /rollcall.v1.Test/Link]`);
});
