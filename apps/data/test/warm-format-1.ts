/** Everything that a warm copy of format 1 held: keys and values in base64, as the last version that wrote them did. */

import { claimOf, stored, versionAt } from "./warm-fixture.ts";

const instance = new TextEncoder().encode("as it was");

export const FORMAT_1_CLAIMS = [
  stored("default/default/orders", claimOf("first", 1, { instance, leaseMs: 600_000 })),
  stored("default/default/orders", claimOf("second", 2, { instance })),
  stored("acme/blue/bills", claimOf("third", 3, { removed: true, instance: new Uint8Array(0) })),
];

/** Of each of their slots. */
export const FORMAT_1_VERSION = versionAt(7);

export const FORMAT_1_ENTRIES: readonly (readonly [key: string, value: string])[] = [
  ["AA==", "4cR0dywyl2B7ImZvcm1hdCI6MSwiY2x1c3RlcklkIjoiYzBmZmVlIn0="],
  ["AVo=", "T/3N8XxnnaBbMyw3XQ=="],
  ["AVphY21lL2JsdWUvYmlsbHMAdGhpcmQAY2xpZW50LTE=", "nJGP9VjGBXcKBXRoaXJkEghjbGllbnQtMRoECAcQAyABOgtzZXNzaW9uLTFANA=="],
  ["Acg=", "VVbXfE3GqJ9bMyw3XQ=="],
  [
    "AchkZWZhdWx0L2RlZmF1bHQvb3JkZXJzAGZpcnN0AGNsaWVudC0x",
    "6bHqa6qWNNAKBWZpcnN0EghjbGllbnQtMRoECAcQATIJYXMgaXQgd2FzOgtzZXNzaW9uLTFANEDAzyQ=",
  ],
  [
    "AchkZWZhdWx0L2RlZmF1bHQvb3JkZXJzAHNlY29uZABjbGllbnQtMQ==",
    "8ulMpMo3hLAKBnNlY29uZBIIY2xpZW50LTEaBAgHEAIyCWFzIGl0IHdhczoLc2Vzc2lvbi0xQDQ=",
  ],
];
