import { describe, expect, test } from "vitest";

import { attempt } from "../src/balance/attempt.ts";
import { leastPending } from "../src/balance/least-pending.ts";
import { roundRobin } from "../src/balance/round-robin.ts";
import type { BalancerOptions } from "../src/index.ts";
import { FakeDatum, outcomeOf, world } from "./fake-session.ts";

/** A balancer over what a fake session has pushed. */
async function balanced(datum: FakeDatum, options: BalancerOptions = {}) {
  const { client, session, run } = world();
  const balancer = client({ resolveTimeoutMs: 500 }).balancer("orders", options);
  await run();
  session.push(datum.snapshot());
  await run();
  return { balancer, push: session.push.bind(session), session, run };
}

const refused = Object.assign(new Error("connect"), { syscall: "connect", code: "ECONNREFUSED" });

describe("a balancer", () => {
  test("waits for the first view, for a bounded time", async () => {
    const { client, session, run } = world();
    const balancer = client({ resolveTimeoutMs: 500 }).balancer("orders");
    const picked = outcomeOf(balancer.acquire());
    const controller = new AbortController();
    const aborted = outcomeOf(balancer.acquire({ signal: controller.signal }));
    expect(balancer.pick()).toBeUndefined();
    controller.abort(new Error("enough"));
    await run();
    session.push(new FakeDatum().put("a").snapshot());
    await run();
    expect(picked.value).toMatchObject({ instance: { id: "a" } });
    expect(aborted.error).toMatchObject({ message: "enough" });
    const late = outcomeOf(client({ name: "d", resolveTimeoutMs: 500 }).balancer("nothing").acquire());
    await run(600);
    expect(late.error).toMatchObject({ reason: "deadline_exceeded" });
  });

  test("says why nobody is left", async () => {
    const datum = new FakeDatum().put("a", { enabled: false }).put("b", { weight: 0 }).put("c");
    const { balancer } = await balanced(datum);
    expect(balancer.pick()!.instance.id).toBe("c");
    expect(balancer.pick({ except: new Set(["c"]) })).toBeUndefined();
    await expect(balancer.acquire({ except: new Set(["c"]) })).rejects.toMatchObject({
      reason: "unavailable",
      message: expect.stringContaining("3 listed, 1 of them enabled, healthy and with a weight") as unknown,
    });
  });

  test("follows the service, and an instance that changes keeps its pending calls", async () => {
    const datum = new FakeDatum().put("a").put("b");
    const { balancer, push, run } = await balanced(datum, { policy: leastPending });
    const first = balancer.pick()!;
    const other = first.instance.id === "a" ? "b" : "a";
    const { done } = balancer.pick()!;
    expect(balancer.pick({ except: new Set([first.instance.id]) })!.instance.id).toBe(other);
    done();
    done();
    push(datum.delta((datum) => datum.put(first.instance.id, { zone: "moved" })));
    await run();
    // One pending each: by lot. With one more there, it is the other's turn.
    first.done();
    expect(balancer.pick()!.instance.id).toBe(first.instance.id);
    push(datum.delta((datum) => datum.remove("a").remove("b")));
    await run();
    expect(balancer.pick()).toBeUndefined();
  });

  test("closes with its signal", async () => {
    const controller = new AbortController();
    const { balancer, session, run } = await balanced(new FakeDatum().put("a"), { signal: controller.signal });
    session.take();
    controller.abort();
    await run();
    expect(session.take()).toEqual([["unsubscribe orders"]]);
    balancer.close();
  });
});

describe("an attempt", () => {
  const datum = () => new FakeDatum().put("a").put("b").put("c").put("d");

  test("goes to another instance as long as nothing was sent", async () => {
    const { balancer } = await balanced(datum(), { policy: roundRobin() });
    const tried: string[] = [];
    const send = async ({ instance, done }: { instance: { id: string }; done: () => void }) => {
      tried.push(instance.id);
      if (tried.length < 3) throw refused;
      done();
      return instance.id;
    };
    expect(await attempt(balancer, {}, send)).toBe(tried[2]);
    expect(new Set(tried).size).toBe(3);
  });

  test.each<[string, Error, number, number]>([
    ["after so many", refused, 2, 2],
    ["after all there are", refused, 10, 4],
    ["once something may have been sent", new Error("reset"), 3, 1],
  ])("ends %s, with the last error", async (_, error, attemptsMax, count) => {
    const { balancer } = await balanced(datum(), { policy: leastPending });
    let tried = 0;
    const attempted = attempt(balancer, { attemptsMax }, async () => {
      tried++;
      throw error;
    });
    await expect(attempted).rejects.toBe(error);
    expect(tried).toBe(count);
  });
});
