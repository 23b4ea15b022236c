import { expect, test } from "vitest";

import { Progress } from "../src/harness/progress.ts";
import { runScenario } from "../src/harness/run.ts";
import type { Measured, Scenario, Subject } from "../src/harness/scenario.ts";

const host = {
  commit: "0",
  changed: false,
  node: "v24",
  cpu: "a processor",
  cores: 2,
  memoryGib: 24,
  date: "2026-01-02",
};

function subject(name: string, values: number[], log: string[]): Subject {
  return {
    name,
    start() {
      log.push(`${name} starts`);
      return Promise.resolve({
        servers: [],
        repeat(): Promise<Measured> {
          const value = values.shift();
          if (value === undefined) return Promise.reject(new Error("nothing left"));
          log.push(`${name} ${value}`);
          const faults = { errors: 0, lost: 1, duplicated: 0 };
          return Promise.resolve({ metrics: [{ name: "time", unit: "ms", better: "less", value }], faults, usage: [] });
        },
        [Symbol.asyncDispose]: () => Promise.resolve(void log.push(`${name} ends`)),
      });
    },
  };
}

function run(scenario: Pick<Scenario, "subjects" | "apart" | "repeatsMax">) {
  const said: string[] = [];
  const progress = new Progress({ write: (text: string) => said.push(text) }, 9, () => 0);
  const about = { name: "one", title: "", about: "", seconds: 1 };
  const result = runScenario({ ...about, ...scenario }, { scale: "full", repeats: 3, host, progress });
  return { result, said };
}

test("what stands side by side is measured in turn; the first repeat is dropped, faults are summed", async () => {
  const log: string[] = [];
  const { result } = run({ subjects: [subject("a", [100, 3, 1, 2], log), subject("b", [200, 5, 5, 5], log)] });
  const { subjects } = (await result)!;
  expect(log.slice(0, 6)).toEqual(["a starts", "b starts", "a 100", "b 200", "a 3", "b 5"]);
  expect(log.slice(-2)).toEqual(["b ends", "a ends"]);
  expect(subjects[0]!.metrics).toEqual([{ name: "time", unit: "ms", better: "less", median: 2, least: 1, most: 3 }]);
  expect(subjects[0]!.faults).toEqual({ errors: 0, lost: 3, duplicated: 0 });
});

test("what is measured apart starts when the one before has ended, and one that fails is left out and said", async () => {
  const log: string[] = [];
  const { result, said } = run({
    apart: true,
    repeatsMax: 1,
    subjects: [subject("a", [100], log), subject("b", [200, 5], log)],
  });
  expect((await result)!.subjects.map((one) => one.subject)).toEqual(["b"]);
  expect(log).toEqual(["a starts", "a 100", "a ends", "b starts", "b 200", "b 5", "b ends"]);
  expect(said.at(-4)).toContain("one of a is left out: nothing left");
});
