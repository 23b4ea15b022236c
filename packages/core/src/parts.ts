/**
 * Whether a message has anything to say: a part is left out when it is undefined, false or an empty list. Asked of nearly
 * every message, most of which have one part only.
 *
 * @param but parts that do not count
 */
export function saysMore(message: object, but: readonly string[] = []): boolean {
  const parts = message as Readonly<Record<string, unknown>>;
  return Object.keys(parts).some((name) => !isLeftOut(parts[name]) && !but.includes(name));
}

function isLeftOut(part: unknown): boolean {
  return part === undefined || part === false || (Array.isArray(part) && part.length === 0);
}
