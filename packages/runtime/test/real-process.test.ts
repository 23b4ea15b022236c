import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";

import { listenTo, TALK_PATH } from "./echo-service.ts";
import { dialer } from "./serve.ts";

async function startProcess(): Promise<{ child: ChildProcess; address: string }> {
  const script = fileURLToPath(new URL("echo-server.ts", import.meta.url));
  const child = spawn(process.execPath, ["--conditions=@rollcall/source", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  const ready = JSON.parse(line) as { readonly ready: boolean; readonly address: string; readonly role: string };
  expect(ready).toMatchObject({ ready: true, role: "echo" });
  return { child, address: ready.address };
}

test.each(["SIGTERM", "SIGINT"] as const)(
  "a process that gets %s says goodbye to its streams and exits with 0",
  async (signal) => {
    const { child, address } = await startProcess();
    const ear = await listenTo(dialer().dial(address, TALK_PATH)).until(({ messages }) => messages.length > 0);
    child.kill(signal);
    expect(await once(child, "exit")).toEqual([0, null]);
    expect((await ear.ended())?.message).toBe("the server is shutting down");
  },
);

test("the links of a process that is killed are lost at once", async () => {
  const { child, address } = await startProcess();
  const ear = await listenTo(dialer().dial(address, TALK_PATH)).until(({ messages }) => messages.length > 0);
  child.kill("SIGKILL");
  expect(await ear.ended()).toMatchObject({ reason: "unavailable" });
});

test("the links of a process that is stopped are lost once it does not answer", async () => {
  const { child, address } = await startProcess();
  const own = dialer({ pingAfterMs: 50, answerWithinMs: 400 });
  const ear = await listenTo(own.dial(address, TALK_PATH)).until(({ messages }) => messages.length > 0);
  child.kill("SIGSTOP");
  expect(await ear.ended()).toMatchObject({ reason: "deadline_exceeded" });
  const late = dialer({ connectTimeoutMs: 200 }).dial(address, TALK_PATH);
  expect(await listenTo(late).ended()).toMatchObject({ reason: "unavailable" });
});
