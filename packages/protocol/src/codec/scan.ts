/** A look at an encoded message without decoding it: for questions that are asked of every instance and mostly answered no. */

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** Whether a field of that number is there. What is no message has no fields from where it stops being one. */
export function hasField(bytes: Uint8Array, number: number): boolean {
  let at = 0;
  /** Unsigned, as far as 32 bits go: no tag and no length is larger. */
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; at < bytes.length; shift += 7) {
      const byte = bytes[at++]!;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return value >>> 0;
  };
  while (at < bytes.length) {
    const tag = varint();
    if (tag >>> 3 === number) return true;
    switch (tag & 7) {
      case VARINT:
        varint();
        break;
      case FIXED64:
        at += 8;
        break;
      case LENGTH_DELIMITED: {
        const length = varint();
        at += length;
        break;
      }
      case FIXED32:
        at += 4;
        break;
      default:
        return false;
    }
  }
  return false;
}
