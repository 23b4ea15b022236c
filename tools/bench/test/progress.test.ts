import { expect, test } from "vitest";

import { Progress } from "../src/harness/progress.ts";

function output(terminal: { isTTY?: boolean; columns?: number }) {
  const written: string[] = [];
  return { ...terminal, written, write: (text: string) => written.push(text) };
}

test("a file is given a line for each step, with how far it is", () => {
  const to = output({});
  let time = 0;
  const progress = new Progress(to, 2, () => time);
  time = 1_000;
  progress.begin("one starts");
  progress.tick();
  time = 62_400;
  progress.begin("two starts");
  expect(to.written).toEqual(["[1/2] 1 s  one starts\n", "[2/2] 62 s  two starts\n"]);
});

test("a terminal is given one line that is written over, no longer than the terminal is wide", () => {
  const to = output({ isTTY: true, columns: 20 });
  const progress = new Progress(to, 1, () => 0);
  progress.begin("something that is long to tell");
  expect(to.written).toEqual(["\r\u{1b}[K[1/1] 0 s  somethin"]);
  progress.say("done");
  expect(to.written.at(-1)).toBe("\r\u{1b}[Kdone\n");
});

test("a terminal shows how long a step has taken so far", () => {
  const to = output({ isTTY: true });
  let time = 0;
  const progress = new Progress(to, 2, () => time);
  time = 5_000;
  progress.begin("one starts");
  time = 12_000;
  progress.tick();
  expect(to.written.at(-1)).toBe("\r\u{1b}[K[1/2] 12 s  one starts, 7 s");
});
