import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const docs = new URL("../../../docs/", import.meta.url);
const page = readFileSync(new URL("behaviours.md", docs), "utf8");

interface Row {
  readonly number: number;
  /** Each test that is named, with its file from docs/. */
  readonly shownBy: readonly { readonly path: string; readonly name: string }[];
}

/** `[behaviours]: ../e2e/cluster/test/behaviours.test.ts` */
const files = new Map([...page.matchAll(/^\[([\w-]+)\]: (\S+)$/gm)].map(([, label, path]) => [label!, path!]));

const rows: readonly Row[] = [...page.matchAll(/^\| +(\d+) +\|.*\|(.*)\|$/gm)].map(([, number, cell]) => ({
  number: Number(number),
  shownBy: [...cell!.matchAll(/\[([^\]]+)\]\[([\w-]+)\]/g)].map(([, name, label]) => {
    return { path: files.get(label!) ?? label!, name: name! };
  }),
}));

test("docs/behaviours.md has its behaviours in the order of their numbers, and none is without a test", () => {
  expect(rows.length).toBeGreaterThan(20);
  const numbers = rows.map(({ number }) => number);
  expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
  expect(rows.filter(({ shownBy }) => shownBy.length === 0)).toEqual([]);
});

test("docs/behaviours.md names tests that exist", () => {
  const missing = rows.flatMap(({ number, shownBy }) =>
    shownBy
      .filter(({ path, name }) => {
        const file = new URL(path, docs);
        return !existsSync(file) || !definesTest(readFileSync(file, "utf8"), name);
      })
      .map(({ path, name }) => `${number}: ${path} has no test "${name}"`),
  );
  expect(missing).toEqual([]);
});

test("every numbered test of the behaviours is in docs/behaviours.md", () => {
  const numbered = ["behaviours", "ordering"].flatMap((label) =>
    [...readFileSync(new URL(files.get(label)!, docs), "utf8").matchAll(/\btest\("(\d+: [^"]+)"/g)].map(
      ([, name]) => name,
    ),
  );
  const named = rows.flatMap(({ shownBy }) => shownBy.map(({ name }) => name));
  expect(numbered.filter((name) => !named.includes(name!))).toEqual([]);
});

/** `test("name", …)`, or the same for a table: `test.each(…)("name", …)`; the name may be in the next line. */
function definesTest(text: string, name: string): boolean {
  return text
    .split(`"${name}"`)
    .slice(0, -1)
    .some((before) => /(?:\btest|[\])])\(\s*$/.test(before));
}
