import { describe, expect, test } from "vitest";
import { changeAfter, originOf } from "../src/change-origin.ts";
import type { Held } from "../src/datum.ts";
import { EMPTY_DIGEST } from "../src/digest.ts";
import { traceparentFromText } from "../src/tracing.ts";
import { epoch, type Version } from "../src/version.ts";

const version = (counter: number): Version => ({ epoch: epoch(1), counter });
const held = (counter: number): Held => ({ version: version(counter), digest: EMPTY_DIGEST });
const context = (span: number) => traceparentFromText(`00-${"1".repeat(32)}-${String(span).repeat(16)}-01`);

describe("a receiver is told", () => {
  const change = changeAfter(undefined, version(5), 1_000, context(7));

  test("how old the newest change is that it does not have", () => {
    expect(originOf(change, held(4), 1_002.5, 0)).toEqual({ traceparent: context(7), ageUs: 2_500 });
  });

  test("with the way to it, as far as that is known", () => {
    expect(originOf(change, held(4), 1_000, 0.25)?.ageUs).toBe(250);
  });

  test("nothing when it held nothing before: it asks, and is not told of a change", () => {
    expect(originOf(change, undefined, 1_001, 0)).toBeUndefined();
  });

  test("nothing of a change that it has", () => {
    expect(originOf(change, held(5), 1_001, 0)).toBeUndefined();
  });

  test("an age that fits into the field, whatever the clock does", () => {
    expect(originOf(change, held(4), 999, 0)?.ageUs).toBe(0);
    expect(originOf(change, held(4), 1e12, 0)?.ageUs).toBe(0xffff_ffff);
  });
});

describe("of changes that coalesce", () => {
  test("the newest sampled one gives its context, also when one that is not sampled came after it", () => {
    const first = changeAfter(undefined, version(5), 0, context(1));
    const second = changeAfter(first, version(6), 1, context(2));
    const third = changeAfter(second, version(7), 2, undefined);
    expect(originOf(third, held(4), 3, 0)).toEqual({ traceparent: context(2), ageUs: 1_000 });
    expect(originOf(third, held(5), 3, 0)?.traceparent).toBe(context(2));
  });

  test("a context that the receiver was given already is not given again", () => {
    const first = changeAfter(undefined, version(5), 0, context(1));
    const second = changeAfter(first, version(6), 1, undefined);
    expect(originOf(second, held(5), 1, 0)).toEqual({ traceparent: undefined, ageUs: 0 });
  });
});
