import { expect, test } from "vitest";

import { newestOnly } from "../src/clients/newest-only.ts";

test("one write is under way at a time, and of those that wait the newest is made, with which all are answered", async () => {
  const writes: { readonly value: number; readonly done: () => void }[] = [];
  const write = newestOnly((value: number) => new Promise<void>((done) => void writes.push({ value, done })));
  const answered: number[] = [];
  const all = [1, 2, 3].map((value) => write(value).then(() => void answered.push(value)));
  expect(writes.map(({ value }) => value)).toEqual([1]);
  writes[0]!.done();
  await all[0];
  expect(writes.map(({ value }) => value)).toEqual([1, 3]);
  writes[1]!.done();
  await Promise.all(all);
  expect(answered).toEqual([1, 2, 3]);
  void write(4);
  expect(writes.map(({ value }) => value)).toEqual([1, 3, 4]);
});
