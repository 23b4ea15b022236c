import { EventEmitter } from "node:events";
import { describe, expect, test } from "vitest";

import type { Log } from "@rollcall/core";
import { createLog, runProcess, StopSequence, systemClock, systemRandom, type HostProcess } from "@rollcall/runtime";

interface Line {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

function logInto(lines: Line[]): Log {
  return createLog({
    fields: { role: "data" },
    destination: { write: (line) => void lines.push(JSON.parse(line) as Line) },
  });
}

/** A process that can be told anything and never ends. */
class FakeProcess extends EventEmitter implements HostProcess {
  readonly exits: number[] = [];
  exit(code: number): void {
    this.exits.push(code);
    this.emit("exited");
  }
}

function start(stop: () => Promise<void>, begin: () => Promise<void> = async () => {}) {
  const host = new FakeProcess();
  const lines: Line[] = [];
  const running = runProcess({
    role: "data",
    log: logInto(lines),
    host,
    start: async () => {
      await begin();
      return { address: "127.0.0.1:7400", stop };
    },
  });
  return { host, lines, running };
}

describe("a server process", () => {
  test("says on one line that it is ready, and where", async () => {
    const { lines, running, host } = start(async () => {});
    await running;
    expect(lines).toMatchObject([
      { level: "info", message: "ready", ready: true, address: "127.0.0.1:7400", role: "data" },
    ]);
    expect(host.exits).toEqual([]);
  });

  test.each(["SIGTERM", "SIGINT"])("stops in order on %s", async (signal) => {
    let stops = 0;
    const { host, running } = start(async () => void stops++);
    await running;
    host.emit(signal, signal);
    await expect.poll(() => host.exits).toEqual([0]);
    expect(stops).toBe(1);
  });

  test("exits at once on a second signal", async () => {
    let stops = 0;
    const { host, running } = start(() => {
      stops++;
      return new Promise(() => {});
    });
    await running;
    host.emit("SIGTERM", "SIGTERM");
    host.emit("SIGINT", "SIGINT");
    expect(host.exits).toEqual([1]);
    expect(stops).toBe(1);
  });

  test("exits at once on a signal while it starts", async () => {
    const { host } = start(
      async () => {},
      () => new Promise(() => {}),
    );
    host.emit("SIGTERM", "SIGTERM");
    expect(host.exits).toEqual([1]);
  });

  test("ends with 1 when it can not start", async () => {
    const { host, lines, running } = start(
      async () => {},
      () => Promise.reject(new Error("port taken")),
    );
    await running;
    expect(host.exits).toEqual([1]);
    expect(lines).toMatchObject([{ level: "error", error: { message: "port taken" } }]);
  });

  test("ends with 1 when it can not stop in order", async () => {
    const { host, running } = start(() => Promise.reject(new Error("stuck")));
    await running;
    host.emit("SIGTERM", "SIGTERM");
    await expect.poll(() => host.exits).toEqual([1]);
  });

  test.each(["uncaughtException", "unhandledRejection"])("ends with 1 on %s", async (event) => {
    const { host, lines, running } = start(async () => {});
    await running;
    host.emit(event, new Error("invariant broken"));
    expect(host.exits).toEqual([1]);
    expect(lines.at(-1)).toMatchObject({ level: "error", error: { message: "invariant broken" } });
  });
});

describe("a stop sequence", () => {
  test("stops what started last first, one after the other", async () => {
    const order: string[] = [];
    const sequence = new StopSequence();
    sequence.add("store", () => void order.push("store"));
    sequence.add("listener", async () => {
      await new Promise((resolve) => setImmediate(resolve));
      order.push("listener");
    });
    await sequence.run();
    expect(order).toEqual(["listener", "store"]);
  });

  test("goes on after a failure and then tells of it", async () => {
    let stopped = false;
    const sequence = new StopSequence();
    sequence.add("store", () => void (stopped = true));
    sequence.add("listener", () => Promise.reject(new Error("stuck")));
    await expect(sequence.run()).rejects.toMatchObject({ errors: [{ message: "listener did not stop" }] });
    expect(stopped).toBe(true);
  });
});

describe("a log", () => {
  test("writes one JSON object a line, with its own fields and the line's", () => {
    const lines: Line[] = [];
    logInto(lines).warn("lost a link", { peer: "a:1" });
    expect(lines).toMatchObject([{ level: "warn", message: "lost a link", role: "data", peer: "a:1" }]);
    expect(lines[0]?.["time"]).toMatch(/^\d{4}-\d\d-\d\dT/);
  });

  test("leaves out what is below its level", () => {
    const lines: string[] = [];
    const log = createLog({ level: "error", destination: { write: (line) => void lines.push(line) } });
    log.debug("a");
    log.info("a");
    log.warn("a");
    log.error("b");
    expect(lines).toHaveLength(1);
  });

  test("shows an error with its cause, and anything else as it is", () => {
    const lines: Line[] = [];
    logInto(lines).error("failed", { error: new Error("outer", { cause: new TypeError("inner") }), cause: "words" });
    expect(lines[0]).toMatchObject({
      error: { message: "outer", cause: { name: "TypeError", message: "inner" } },
      cause: "words",
    });
  });
});

describe("the system's clock and randomness", () => {
  test("time goes on, timers fire once and can be cancelled", async () => {
    const before = systemClock.now();
    let cancelled = true;
    systemClock.setTimer(0, () => (cancelled = false)).cancel();
    await new Promise<void>((resolve) => systemClock.setTimer(2, resolve));
    expect(systemClock.now()).toBeGreaterThan(before);
    expect(cancelled).toBe(true);
  });

  test("what is deferred comes after what was promised", async () => {
    const order: string[] = [];
    const deferred = new Promise<void>((resolve) =>
      systemClock.defer(() => {
        order.push("deferred");
        resolve();
      }),
    );
    await Promise.resolve();
    order.push("promised");
    await deferred;
    expect(order).toEqual(["promised", "deferred"]);
  });

  test("identifiers are 32 hexadecimal digits and differ", () => {
    const ids = Array.from({ length: 100 }, () => systemRandom.id());
    expect(new Set(ids).size).toBe(100);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(systemRandom.next()).toBeLessThan(1);
  });
});
