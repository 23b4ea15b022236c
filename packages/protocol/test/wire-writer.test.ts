import { frameFromMessage } from "@rollcall/core";
import * as fc from "fast-check";
import { expect, test } from "vitest";

import { WireWriter } from "../src/wire/wire-writer.ts";

test("frames that pass are those that are kept, and each keeps its bytes while others are written", () => {
  const encoded = fc.array(fc.uint8Array({ maxLength: 600 }), { maxLength: 60 });
  fc.assert(
    fc.property(encoded, (messages) => {
      const writer = new WireWriter();
      const frames = messages.map((message) => {
        writer.begin().fields(message);
        return writer.passingFrame();
      });
      expect(frames).toEqual(messages.map((message) => frameFromMessage(message)));
    }),
  );
});
