/** What operators have decided, and what histories refute it. */

import { describe, expect, test } from "vitest";
import { checkBlocked, checkConvergence, checkPhantomLoss, checkPushesOff } from "../src/index.ts";
import { LATE, said } from "./said.ts";
import { SERVICE, Story, version } from "./story.ts";

const pushed = (client: string) =>
  ({
    kind: "pushed",
    link: "link",
    client,
    service: SERVICE,
    filter: "",
    version: version(2),
    digest: "00000000",
    snapshot: true,
    carried: 1,
    confirmed: true,
    asked: "no",
  }) as const;

describe("P8, pushes that are off", () => {
  const off = (except: readonly string[] = []): Story => new Story().at(1_000).record({ kind: "pushes off", except });

  test("somebody is pushed something all the same", () => {
    expect(said(checkPushesOff(off().at(10_000).record(pushed("reader")).endAt(LATE)))).toEqual([
      `P8 reader is pushed ${SERVICE} while pushes are off`,
    ]);
  });

  test("one who is excepted, what was on its way, and what comes when they are on again", () => {
    expect(checkPushesOff(off(["reader"]).at(10_000).record(pushed("reader")).endAt(LATE))).toEqual([]);
    expect(checkPushesOff(off().at(1_500).record(pushed("reader")).endAt(LATE))).toEqual([]);
    const on = off().at(9_000).record({ kind: "pushes on" }).at(10_000).record(pushed("reader"));
    expect(checkPushesOff(on.endAt(LATE))).toEqual([]);
  });
});

describe("P8, a service that is blocked", () => {
  const blocked = (): Story => {
    const story = new Story().subscribe("reader");
    const asked = story.at(100).register("provider", "i-1");
    story.at(110).registered(asked, 1).view("reader", 1, { "i-1": "v1" });
    return story.at(1_000).record({ kind: "block", service: SERVICE });
  };

  test("an instance of it is shown", () => {
    const story = blocked().at(1_100).view("reader", 2, {}).at(40_000).view("reader", 3, { "i-1": "v1" });
    expect(said(checkBlocked(story.endAt(LATE)))).toEqual([
      `P8 reader's view of ${SERVICE} shows instances of a service that is blocked`,
    ]);
  });

  test("is an empty list, for which nobody is to blame, and is whole again after the block", () => {
    const story = blocked().at(1_100).view("reader", 2, {}).at(40_000).record({ kind: "unblocked", service: SERVICE });
    const whole = story.at(40_100).view("reader", 3, { "i-1": "v1" });
    expect(checkBlocked(whole.endAt(LATE))).toEqual([]);
    expect(checkPhantomLoss(whole.endAt(LATE))).toEqual([]);
    expect(checkConvergence(whole.endAt(LATE))).toEqual([]);
  });

  test("that stays empty after the block is found out", () => {
    const story = blocked().at(1_100).view("reader", 2, {}).at(20_000).record({ kind: "unblocked", service: SERVICE });
    expect(said(checkConvergence(story.endAt(LATE)))).toEqual([
      `P1 reader's view of ${SERVICE} ends without i-1, which is registered`,
    ]);
  });
});
