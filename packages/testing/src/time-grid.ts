/** Steps per virtual millisecond: a power of two, so that times add up without rounding. */
const STEPS_PER_MS = 1_024;

/** The first moment of the grid that is not before `ms`. */
export function onGrid(ms: number): number {
  return Math.ceil(ms * STEPS_PER_MS) / STEPS_PER_MS;
}

/** The last moment of the grid that is not after `ms`. */
export function onGridBefore(ms: number): number {
  return Math.floor(ms * STEPS_PER_MS) / STEPS_PER_MS;
}

/** The shortest time there is. */
export const GRID_STEP_MS = 1 / STEPS_PER_MS;
