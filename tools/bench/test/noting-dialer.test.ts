import { NO_FILTER, digestOfText, epoch, serviceKey, type Update } from "@rollcall/core";
import { expect, test } from "vitest";

import { PushedContent } from "../src/load/noting-dialer.ts";

function push(counter: number, content: string, parts: Partial<Update> = {}): Update {
  const instances = [{ id: content, bytes: new Uint8Array() }];
  const [key, version] = [serviceKey({ service: "a" }), { epoch: epoch(1), counter }];
  const digest = digestOfText(content);
  const rest = { filter: NO_FILTER, baseDigest: undefined, removedIds: [], confirmed: true };
  return { key, version, digest, instances, ...rest, ...parts };
}

test("what is pushed again counts as unchanged, whatever its version; another content, or a word without content, does not", () => {
  const pushed = new PushedContent();
  const isUnchanged = [
    push(1, "one"),
    push(2, "two"),
    push(3, "two"),
    push(4, "two", { instances: [] }),
    push(5, "two", { instances: [], removedIds: ["one"] }),
    push(6, "two", { key: serviceKey({ service: "b" }) }),
  ].map((update) => pushed.isUnchanged(update));
  expect(isUnchanged).toEqual([false, false, true, false, true, false]);
});
