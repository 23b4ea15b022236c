import { RegistryError, frameFromMessage } from "@rollcall/core";
import { SeededRandom, SimClock } from "@rollcall/testing";
import { describe, expect, test } from "vitest";
import { LastingLink } from "../src/lasting-link.ts";
import { FakeDialer } from "./fake-dialer.ts";

const METHOD = "/rollcall.v1.Test/Link";
const hello = frameFromMessage(Uint8Array.of(1));
const gone = new RegistryError("unavailable", "nobody listens");

/** A link whose pauses are the longest the jitter allows, unless `jitter` says otherwise. */
function openLink({ jitter = 1 - Number.EPSILON, pauseMaxMs }: { jitter?: number; pauseMaxMs?: number } = {}) {
  const clock = new SimClock();
  const dialer = new FakeDialer(clock);
  const heard: string[] = [];
  const random = { next: () => jitter, id: () => "" };
  let onMessage = (_bytes: Uint8Array): void => {};
  const link = new LastingLink(
    METHOD,
    { clock, random, dialer },
    {
      pauseMaxMs,
      address: () => `node-${dialer.streams.length + 1}:1`,
      opened: () => {
        heard.push("opened");
        link.send(hello);
      },
      message: (bytes) => {
        heard.push(`message ${[...bytes].join(" ")}`);
        onMessage(bytes);
      },
      drained: () => heard.push("drained"),
      lost: (error, isNews) => heard.push(`lost ${error?.message ?? "in order"}${isNews ? "" : " again"}`),
    },
  );
  link.open();
  return { clock, dialer, heard, link, whenMessage: (action: typeof onMessage) => (onMessage = action) };
}

/** Loses every link as soon as it is dialled, until so many have been dialled. */
async function dialTimes(jitter: number, dials: number): Promise<number[]> {
  const { clock, dialer } = openLink({ jitter });
  while (dialer.streams.length < dials) {
    dialer.last.end(gone);
    await clock.runFor(1_000);
  }
  return dialer.streams.map(({ dialledAt }) => dialledAt);
}

describe("opening", () => {
  test("dials the method at the owner's address and says hello before anything else", () => {
    const { dialer, heard, link } = openLink();
    expect(dialer.last).toMatchObject({ address: "node-1:1", method: METHOD });
    expect(dialer.last.sent).toEqual([Uint8Array.of(1)]);
    expect(heard).toEqual(["opened"]);
    expect([link.isOpen, link.isProven]).toEqual([true, false]);
  });

  test("twice opens once", () => {
    const { dialer, link } = openLink();
    link.open();
    expect(dialer.streams).toHaveLength(1);
  });
});

describe("while it is open", () => {
  test("it is proven by the first message, and passes messages and drains on", () => {
    const { dialer, heard, link } = openLink();
    dialer.last.receive(Uint8Array.of(7, 8));
    expect(link.isProven).toBe(true);
    dialer.last.congested = true;
    expect(link.isCongested).toBe(true);
    dialer.last.drain();
    expect(heard).toEqual(["opened", "message 7 8", "drained"]);
  });

  test("a message that makes no sense ends it with that reason", async () => {
    const { clock, dialer, heard, whenMessage } = openLink();
    const nonsense = new RegistryError("protocol_violation", "nonsense");
    whenMessage(() => {
      throw nonsense;
    });
    const [first] = dialer.streams;
    dialer.last.receive(Uint8Array.of(9));
    expect(first!.closedWith).toBe(nonsense);
    expect(heard.at(-1)).toBe("lost nonsense");
    await clock.runFor(0);
    expect(dialer.streams).toHaveLength(2);
  });

  test("a broken invariant of our own is not taken for the other side's mistake", () => {
    const { dialer, whenMessage } = openLink();
    whenMessage(() => {
      throw new Error("invariant broken: ours");
    });
    expect(() => dialer.last.receive(Uint8Array.of(9))).toThrow("invariant broken");
    expect(dialer.last.closedWith).toBeUndefined();
  });
});

describe("when it is lost", () => {
  test("a link that was proven is dialled again at once, at whatever address is the owner's next", async () => {
    const { clock, dialer, heard, link } = openLink();
    dialer.last.receive(Uint8Array.of(7));
    dialer.last.end(gone);
    expect([link.isOpen, link.isProven, link.isCongested]).toEqual([false, false, false]);
    await clock.runFor(0);
    expect(dialer.last).toMatchObject({ address: "node-2:1", dialledAt: 0 });
    expect(heard).toEqual(["opened", "message 7", "lost nobody listens", "opened"]);
  });

  test("an orderly end is a loss like any other", async () => {
    const { clock, dialer, heard } = openLink();
    dialer.last.end();
    await clock.runFor(1_000);
    expect(heard).toEqual(["opened", "lost in order", "opened"]);
  });

  test("the owner hears of the loss when nothing can be sent any more", () => {
    const { dialer, heard, link } = openLink();
    const [first] = dialer.streams;
    first!.end(gone);
    link.send(hello);
    expect(first!.sent).toHaveLength(1);
    expect(heard).toEqual(["opened", "lost nobody listens"]);
  });

  test.each([
    { jitter: 0, pauses: [12.5, 25, 50, 100, 200, 400, 500, 500, 500] },
    { jitter: 0.5, pauses: [18.75, 37.5, 75, 150, 300, 600, 750, 750, 750] },
    { jitter: 1 - Number.EPSILON, pauses: [25, 50, 100, 200, 400, 800, 1_000, 1_000, 1_000] },
    { jitter: 1 - Number.EPSILON, pauses: [25, 50, 100, 200, 250, 250], pauseMaxMs: 250 },
  ])(
    "pauses double up to a second or what the owner wants, jitter $jitter of their upper half",
    async ({ pauses, ...options }) => {
      const { clock, dialer } = openLink(options);
      const measured: number[] = [];
      for (const _ of pauses) {
        const lostAt = clock.now();
        const dialled = dialer.streams.length;
        dialer.last.end(gone);
        await clock.runUntilIdleOr(() => dialer.streams.length > dialled, 5_000);
        measured.push(dialer.last.dialledAt - lostAt);
      }
      for (const [index, pause] of pauses.entries()) expect(measured[index]).toBeCloseTo(pause, 2);
    },
  );

  test("a message resets the pauses", async () => {
    const { clock, dialer } = openLink();
    for (let times = 0; times < 5; times++) {
      dialer.last.end(gone);
      await clock.runFor(1_000);
    }
    dialer.last.receive(Uint8Array.of(7));
    const lostAt = clock.now();
    dialer.last.end(gone);
    await clock.runFor(0);
    expect(dialer.last.dialledAt).toBe(lostAt);
    dialer.last.end(gone);
    await clock.runFor(26);
    expect(dialer.last.dialledAt - lostAt).toBeCloseTo(25, 2);
  });

  test("links with different jitter do not dial together", async () => {
    const random = new SeededRandom(1);
    const third = await Promise.all(Array.from({ length: 20 }, async () => (await dialTimes(random.next(), 3))[2]));
    expect(new Set(third).size).toBe(20);
  });

  test("nothing that a lost link still brings is heard", async () => {
    const { clock, dialer, heard } = openLink();
    const [first] = dialer.streams;
    first!.end(gone);
    await clock.runFor(1_000);
    const before = heard.length;
    first!.receive(Uint8Array.of(7));
    first!.drain();
    first!.end(gone);
    await clock.runFor(10_000);
    expect(heard).toHaveLength(before);
    expect(dialer.streams).toHaveLength(2);
  });
});

describe("restarting", () => {
  test("closes the silent link, tells the owner why and dials anew", async () => {
    const { clock, dialer, heard, link } = openLink();
    const [first] = dialer.streams;
    first!.receive(Uint8Array.of(7));
    link.restart("silent");
    expect(first!.closedWith).toBe("in order");
    first!.end();
    await clock.runFor(0);
    expect(heard).toEqual(["opened", "message 7", "lost silent", "opened"]);
    expect(dialer.streams).toHaveLength(2);
  });

  test("does nothing while there is no link", async () => {
    const { clock, dialer, heard, link } = openLink();
    dialer.last.end(gone);
    link.restart("silent");
    expect(heard).toEqual(["opened", "lost nobody listens"]);
    await clock.runFor(1_000);
    expect(dialer.streams).toHaveLength(2);
  });
});

describe("closing", () => {
  test("ends the link, and the owner hears nothing of it", async () => {
    const { clock, dialer, heard, link } = openLink();
    link.close();
    expect(dialer.last.closedWith).toBe("in order");
    dialer.last.end();
    await clock.runFor(10_000);
    expect([heard, dialer.streams.length, link.isOpen]).toEqual([["opened"], 1, false]);
  });

  test("during a pause ends the waiting", async () => {
    const { clock, dialer, heard, link } = openLink();
    dialer.last.end(gone);
    link.close();
    await clock.runFor(10_000);
    expect([heard, dialer.streams.length]).toEqual([["opened", "lost nobody listens"], 1]);
  });

  test("from inside a message is closing", async () => {
    const { clock, dialer, link, whenMessage } = openLink();
    whenMessage(() => link.close());
    dialer.last.receive(Uint8Array.of(7));
    dialer.last.end();
    await clock.runFor(10_000);
    expect(dialer.streams).toHaveLength(1);
  });

  test("is not for ever: it can be opened again", () => {
    const { dialer, heard, link } = openLink();
    link.close();
    link.open();
    expect([heard, dialer.streams.length]).toEqual([["opened", "opened"], 2]);
  });
});
