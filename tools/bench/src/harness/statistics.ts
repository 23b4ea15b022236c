/** The few numbers that stand for many. */

/** The value below which this share of the values lies. */
export function quantileOf(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** The middle one, or the middle between the middle two. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** With as many digits as say something, and not more. */
export function rounded(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(4));
}

/** A quantile as people read it; a dash when there is none. */
export function quantileText(values: readonly number[], share: number): string {
  const value = quantileOf(values, share);
  return Number.isNaN(value) ? "-" : value.toFixed(1);
}
