import type { HandlerContext } from "@connectrpc/connect";
import { create } from "@bufbuild/protobuf";
import { NO_FILTER, filterFromInput, noTracer, type Filter, type Update } from "@rollcall/core";
import { RegistryService, wireFromFilter, wireFromKey } from "@rollcall/protocol";
import { createContextValues } from "@connectrpc/connect";
import { peerAddressKey } from "@rollcall/runtime";
import { describe, expect, test } from "vitest";
import { LeaseWriter } from "../src/registrations/lease-writer.ts";
import { ServiceDirectory } from "../src/routing/service-directory.ts";
import { registryRoutes } from "../src/rpc/registry-routes.ts";
import { startBackend } from "./client-fixture.ts";
import { ORDERS, encoded } from "./fixture.ts";

/** A call that waits for its answer. */
function resolving({ timeoutMs, filter = NO_FILTER }: { timeoutMs?: number; filter?: Filter } = {}) {
  const backend = startBackend();
  const { clock, registrations, writer, interests, leader } = backend;
  const routes = registryRoutes({
    clock,
    leases: new LeaseWriter(registrations, writer, noTracer),
    interests,
    directory: new ServiceDirectory(() => {}),
    barriers: backend.barriers,
    pushes: backend.pushes,
    switchedOff: backend.switchedOff,
    isJoined: () => true,
  });
  const values = createContextValues().set(peerAddressKey, "10.0.0.9:1");
  const context = { timeoutMs: () => timeoutMs, signal: new AbortController().signal, values };
  const wanted = wireFromFilter(filter);
  const request = create(RegistryService.method.resolve.input, {
    key: wireFromKey(ORDERS),
    ...(wanted && { filter: wanted }),
  });
  const outcomes: unknown[] = [];
  void Promise.resolve(routes.resolve(request, context as unknown as HandlerContext)).then(
    ({ confirmed, instances }) => outcomes.push([confirmed, instances?.map(({ id }) => id)]),
    (error: unknown) => outcomes.push(error),
  );
  const told = (update: Update) => void interests.notified("d-1", update);
  /** What the call came to within so many milliseconds. */
  const after = async (ms: number) => {
    await clock.runFor(ms);
    return outcomes.splice(0);
  };
  return { leader, told, after, interests };
}

describe("resolving", () => {
  test("answers with a confirmed list as soon as there is one, also if it is empty", async () => {
    const { leader, told, after } = resolving();
    expect(await after(10)).toEqual([]);
    leader.put(encoded("b"), encoded("a"));
    told(leader.snapshot);
    expect(await after(0)).toEqual([[true, ["a", "b"]]]);
    const none = resolving({ filter: filterFromInput({ protocol: "grpc" }) });
    none.told(none.leader.put(encoded("a")).snapshot);
    expect(await none.after(0)).toEqual([[true, []]]);
  });

  test("waits a little for the word that a list is confirmed", async () => {
    const { leader, told, after } = resolving();
    told(leader.put(encoded("a")).unconfirmed);
    expect(await after(499)).toEqual([]);
    told(leader.word);
    expect(await after(0)).toEqual([[true, ["a"]]]);
  });

  test.each([
    { timeoutMs: undefined, patienceMs: 500 },
    { timeoutMs: 100, patienceMs: 50 },
  ])("with $timeoutMs ms to go, answers after $patienceMs with one that is not, and says so", async (timing) => {
    const { leader, told, after } = resolving(timing.timeoutMs === undefined ? {} : { timeoutMs: timing.timeoutMs });
    told(leader.put(encoded("a")).unconfirmed);
    expect(await after(timing.patienceMs - 1)).toEqual([]);
    expect(await after(1)).toEqual([[false, ["a"]]]);
  });

  test("takes one that is not confirmed also when it comes late, but no empty one", async () => {
    const { leader, told, after } = resolving();
    leader.put(encoded("a")).remove("a");
    told(leader.unconfirmed);
    expect(await after(1_000)).toEqual([]);
    told(leader.put(encoded("a")).unconfirmed);
    expect(await after(0)).toEqual([[false, ["a"]]]);
  });

  test("ends with the deadline when nothing can be shown, and lets go of the service", async () => {
    const { after, interests } = resolving({ timeoutMs: 200 });
    expect(await after(200)).toMatchObject([{ reason: "deadline_exceeded" }]);
    interests.sweep(60_000);
    expect(interests.size).toBe(0);
  });
});
