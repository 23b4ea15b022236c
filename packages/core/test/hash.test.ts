import * as fc from "fast-check";
import { expect, test } from "vitest";
import { hash64, hash64OfText, hash64OfTexts } from "../src/hash.ts";

const utf8 = new TextEncoder();

function hex(bytes: Uint8Array): string {
  const { high, low } = hash64(bytes);
  return `${high.toString(16).padStart(8, "0")} ${low.toString(16).padStart(8, "0")}`;
}

/** MurmurHash3_x86_128, seed 0, first two words, from an independent implementation. */
test.each([
  ["", "00000000 00000000"],
  ["a", "a794933c 5556b01b"],
  ["hello, world", "8b21605c b9b98a1e"],
  ["The quick brown fox jumps over the lazy dog", "2f1583c3 ecee2c67"],
  ["0123456789abcdef", "fb7d4409 36aed30a"],
  ["0123456789abcdef0", "1f8a3855 60920c06"],
  ["grüße/日本/😀", "42cee27e 951b49cf"],
])("the hash of %j is the published one", (text, expected) => {
  expect(hex(utf8.encode(text))).toBe(expected);
});

/** Byte i is (37 i + 11) mod 256: high bits in every place, and every length of the tail up to two whole blocks. */
const BY_LENGTH = [
  "00000000 00000000",
  "1a2a893c 825db56b",
  "e25b086a 946637e0",
  "ef5dd547 814fe1d3",
  "d021ef70 bffa0a8e",
  "a1bdd9f5 fcb58997",
  "1104c619 533a1fa2",
  "fefb3e3f 0cf7684e",
  "fc0141d5 f89a9067",
  "37dd5f38 0f9dc92c",
  "be719708 8b31ff12",
  "b7d8ddb0 02ff2c68",
  "6bbe8b8b 92dde2a2",
  "cbedda29 107c882c",
  "3bbe5d42 263b2967",
  "e834163d 88c1111c",
  "aa3a2073 a8c41845",
  "c5078dc0 fbe3511f",
  "12d11e6b ee0152e8",
  "6bbd364a 9caa96da",
  "ffc8ded8 6923e823",
  "86e144ef f185eceb",
  "f41f1808 b51e8a79",
  "6ae40f03 2e4e5b23",
  "f7b3f9b9 2e023166",
  "1540ebc6 ac5eea06",
  "4803fedf 14a8f158",
  "7cf3d5e7 b957a159",
  "3b5c91fe 3c5eb449",
  "f569edea 893e88f3",
  "db7fd7ec 42517092",
  "661fa416 64e569c4",
  "ce5ff737 e3dfb338",
];

test.each(BY_LENGTH.map((expected, length) => ({ length, expected })))(
  "the hash of $length bytes is the published one, wherever they lie",
  ({ length, expected }) => {
    const bytes = Uint8Array.from({ length }, (_, index) => (index * 37 + 11) % 256);
    expect(hex(bytes)).toBe(expected);
    // A part of a larger buffer, as messages are, hashes as its own bytes do.
    const around = new Uint8Array(length + 7).fill(255);
    around.set(bytes, 3);
    expect(hex(around.subarray(3, 3 + length))).toBe(expected);
  },
);

test("the hash of a text is that of its UTF-8 bytes, of whatever length, and does not depend on the text before", () => {
  const texts = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: "grapheme", minLength: 500, maxLength: 520 }),
    fc.nat(2_000).map((length) => "日".repeat(length)),
    fc.constant("\ud800"),
  );
  fc.assert(
    fc.property(texts, (text) => {
      expect(hash64OfText(text)).toEqual(hash64(utf8.encode(text)));
    }),
  );
});

test("several texts are hashed as the text they come to", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: "grapheme" }))), (texts) => {
      expect(hash64OfTexts(texts)).toEqual(hash64OfText(texts.join("")));
    }),
  );
  const long = "x".repeat(1_000);
  expect(hash64OfTexts([long, long, "ü"])).toEqual(hash64OfText(`${long}${long}ü`));
});
