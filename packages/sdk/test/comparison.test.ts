import {
  EMPTY_DIGEST,
  NO_FILTER,
  digestOfBytes,
  digestOfRegistration,
  digestOfText,
  textFromFilter,
  toggleDigest,
  type ClientSummary,
} from "@rollcall/core";
import { describe, expect, test } from "vitest";

import { FakeDatum, eventsOf, linesFromMessage, world } from "./fake-session.ts";

const INTERVAL_MS = 60_000;
const WRONG: ClientSummary = { registrations: EMPTY_DIGEST, subscriptions: EMPTY_DIGEST };

/** A client with a registration and a subscription, to which everything has been answered. */
async function settled() {
  const made = world();
  const own = made.client();
  const registration = own.register({ service: "orders", address: "10.0.0.1:80", id: "a" });
  own.subscribe("orders");
  await made.run();
  made.session.push(new FakeDatum().put("a").snapshot());
  await made.run();
  const registered = made.session.heard.flatMap(({ registers }) => registers)[0]!;
  made.session.take();
  /** Every summary heard since, and everything else. */
  const said = () => {
    const messages = made.session.heard.splice(0);
    return {
      summaries: messages.flatMap(({ summary }) => (summary === undefined ? [] : [summary])),
      lines: messages.flatMap(linesFromMessage),
    };
  };
  return { ...made, own, registration, registered, said };
}

describe("comparing with the session", () => {
  test("a client that has nothing to say sums up what it has, once in an interval", async () => {
    const { run, said, registered } = await settled();
    await run(INTERVAL_MS);
    const { summaries, lines } = said();
    const name = { instanceId: "a", clientId: "c", version: registered.version };
    expect(summaries).toEqual([
      {
        registrations: digestOfRegistration("default/default/orders", name, digestOfBytes(registered.instance)),
        subscriptions: toggleDigest(EMPTY_DIGEST, digestOfText(`default/default/orders ${textFromFilter(NO_FILTER)}`)),
      },
    ]);
    expect(lines).toEqual([]);
  });

  test("an answer that agrees is the end of it", async () => {
    const { session, run, said } = await settled();
    await run(INTERVAL_MS);
    session.say({ summary: said().summaries[0] });
    await run(1_000);
    expect(said()).toEqual({ summaries: [], lines: [] });
  });

  test("what differs is said again, newer than before, and compared again soon", async () => {
    const { session, run, said } = await settled();
    await run(INTERVAL_MS);
    session.say({ summary: { ...said().summaries[0]!, registrations: EMPTY_DIGEST } });
    await run(100);
    expect(said().lines).toEqual(["register orders/a 1.2"]);
    await run(1_000);
    session.say({ summary: { ...said().summaries[0]!, subscriptions: EMPTY_DIGEST } });
    // Not twice in a row.
    await run(100);
    expect(said().lines.at(0)).toBe("hello c 2");
  });

  test("a session that never agrees is left, and that is told", async () => {
    const { session, own, run, said } = await settled();
    const lost = eventsOf(own, "disconnected");
    await run(INTERVAL_MS);
    session.say({ summary: WRONG });
    await run(100);
    expect(said().lines).toEqual(["register orders/a 1.2", "subscribe orders held 1.2"]);
    session.push(new FakeDatum().put("a").snapshot());
    await run(2_000);
    expect(said().summaries).toHaveLength(1);
    session.say({ summary: WRONG });
    await run(100);
    expect(lost).toMatchObject([{ error: { reason: "unavailable" } }]);
    expect(said().lines).toEqual(["hello c 2", "register orders/a 2.2", "subscribe orders held 1.2"]);
  });

  test("nothing is compared while anything is unanswered", async () => {
    const { session, registration, run, said } = await settled();
    session.applies = false;
    void registration.update({ weight: 7 });
    await run(2 * INTERVAL_MS);
    expect(said().summaries).toEqual([]);
    session.apply();
    await run(INTERVAL_MS);
    expect(said().summaries).toHaveLength(1);
  });

  test("a session that does not know summaries is asked again in vain, and nothing else happens", async () => {
    const { own, run, said } = await settled();
    await run(5 * INTERVAL_MS);
    expect(said()).toMatchObject({ summaries: { length: 5 }, lines: [] });
    expect(own.state).toBe("connected");
  });
});
