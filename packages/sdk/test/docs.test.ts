import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import type { EventName } from "../src/events.ts";
import { completeOptions } from "../src/options.ts";
import { completeWebOptions } from "../src/web/options.ts";

const guide = readFileSync(new URL("../../../docs/sdk.md", import.meta.url), "utf8");

/** The first column of the table under a heading. */
function documented(heading: string): string[] {
  const section = guide.split(`## ${heading}\n`)[1]!.split("\n## ")[0]!;
  return [...section.matchAll(/^\| `([\w.]+)`/gm)].map(([, name]) => name!).toSorted();
}

test("the guide lists every option, and no other", () => {
  const { reconnect, ...options } = completeOptions({ servers: ["session:1"] });
  const names = [
    ...Object.keys(options),
    ...Object.keys(reconnect).map((name) => `reconnect.${name}`),
    "log",
    "cache.path",
    "cache.maxAgeMs",
    "cache.maxBytes",
  ];
  expect(documented("Options")).toEqual(names.toSorted());
});

test("the guide lists every option that only a browser's client has", () => {
  const names = Object.keys(completeWebOptions({ servers: ["https://session"] }));
  expect(documented("In a browser")).toEqual(names.toSorted());
});

/** All of them, or this does not compile. */
const events: Record<EventName, true> = {
  connected: true,
  disconnected: true,
  retrying: true,
  heldBack: true,
  cacheFailed: true,
  pushed: true,
  heldTooLong: true,
  switchedOff: true,
  error: true,
  closed: true,
};

test("the guide lists every event, and no other", () => {
  expect(documented("Events")).toEqual(Object.keys(events).toSorted());
});
