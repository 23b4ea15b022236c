import { expect, test } from "vitest";
import { tallyOfProject, tallyOfRun, type Report } from "../src/tally.ts";

const passing = { status: "passed" };
const failing = { status: "failed" };

function report(success: boolean, ...files: { name: string; tests: { status: string }[]; status?: string }[]): Report {
  return {
    success,
    testResults: files.map((file) => ({
      name: `/checkout/packages/a/${file.name}`,
      status: file.status ?? (success ? "passed" : "failed"),
      assertionResults: file.tests,
    })),
  };
}

test("tests are summed over files", () => {
  const tally = tallyOfProject(
    "packages/a",
    ["test/x.test.ts", "test/y.test.ts"],
    report(
      false,
      { name: "test/x.test.ts", tests: [passing, failing] },
      { name: "test/y.test.ts", tests: [passing], status: "passed" },
    ),
  );
  expect(tally).toEqual({ passed: 2, failed: 1, problems: [] });
});

test("a missing report is a failure", () => {
  expect(tallyOfProject("packages/a", ["test/x.test.ts"], undefined)).toMatchObject({ passed: 0, failed: 1 });
});

test("a file that cannot be imported is a failure, although no test of it failed", () => {
  const tally = tallyOfProject("packages/a", ["test/x.test.ts"], report(false, { name: "test/x.test.ts", tests: [] }));
  expect(tally).toMatchObject({ passed: 0, failed: 1 });
});

test("a test file that lies there and was not run is a failure", () => {
  const tally = tallyOfProject(
    "packages/a",
    ["test/x.test.ts", "test/forgotten.test.ts"],
    report(true, { name: "test/x.test.ts", tests: [passing] }),
  );
  expect(tally).toEqual({ passed: 1, failed: 1, problems: ["packages/a/test/forgotten.test.ts: was not run"] });
});

test("an error outside of any test is a failure", () => {
  const tally = tallyOfProject(
    "packages/a",
    ["test/x.test.ts"],
    report(false, { name: "test/x.test.ts", tests: [passing], status: "passed" }),
  );
  expect(tally).toMatchObject({ passed: 1, failed: 1 });
});

test("a task that failed before the tests is a failure of the run, and so is finding no test at all", () => {
  const good = { passed: 3, failed: 0, problems: [] };
  expect(tallyOfRun([good, good], { well: true })).toEqual({ passed: 6, failed: 0, problems: [] });
  expect(tallyOfRun([good], { well: false })).toMatchObject({ passed: 3, failed: 1 });
  expect(tallyOfRun([], { well: true })).toMatchObject({ passed: 0, failed: 1 });
});
