import type { Scenario, Sizes } from "./scenario.ts";

/**
 * A scenario whose sizes can be said when it is run.
 * @param smoke sizes that only show that everything works
 */
export function sized<Size extends Sizes>(full: Size, smoke: Size, make: (sizes: Size) => Scenario): Scenario {
  const [large, small] = [make(full), make(smoke)];
  return {
    ...large,
    sizes: full,
    resized: (sizes) => sized({ ...full, ...sizes }, smoke, make),
    subjects: large.subjects.map((subject, index) => ({
      name: subject.name,
      start: (scale) => (scale === "full" ? subject : small.subjects[index]!).start(scale),
    })),
  };
}

/** What `--size NAME=VALUE,...` asks for, taken by each of the scenarios that has such a size. */
export function resizedAll(scenarios: readonly Scenario[], text: string): Scenario[] {
  const asked = text.split(",").map((each) => {
    const [name, value] = each.split("=");
    if (name === undefined || !(Number(value) >= 0)) throw new Error(`not NAME=VALUE: ${each}`);
    if (!scenarios.some(({ sizes }) => sizes?.[name] !== undefined))
      throw new Error(`no scenario that runs has a size "${name}"; --list tells which there are`);
    return [name, Number(value)] as const;
  });
  return scenarios.map((scenario) => {
    const own = asked.filter(([name]) => scenario.sizes?.[name] !== undefined);
    return own.length === 0 || scenario.resized === undefined ? scenario : scenario.resized(Object.fromEntries(own));
  });
}
