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

/** Without a row yet: what has no numbered test of its own, and what there is no such thing for here. */
const WITHOUT_ROW: ReadonlySet<number> = new Set([23, 24, 37, 38, 40]);

test("docs/behaviours.md leaves out no number but those that are known, and no behaviour is without a test", () => {
  const last = rows.at(-1)!.number;
  expect(last).toBeGreaterThanOrEqual(58);
  const numbers = Array.from({ length: last }, (_, index) => index + 1).filter((number) => !WITHOUT_ROW.has(number));
  expect(rows.map(({ number }) => number)).toEqual(numbers);
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
