// How the rate of an optimiser falls over a training.
import { cos } from "../../runtime/numeric/math.ts";

/** A factor of the rate at each share of the steps made, from 0 to 1. */
export const schedules = {
  constant: () => 1,
  /** Half a cosine, to 0 (Loshchilov and Hutter 2017, without restarts). */
  cosine: (share: number) => 0.5 * (1 + cos(Math.PI * share)),
  linear: (share: number) => 1 - share,
  /** A third of the rate, roughly, in the last third. */
  drop: (share: number) => (share < 2 / 3 ? 1 : 0.3),
} as const satisfies Record<string, (share: number) => number>;
export type Schedule = keyof typeof schedules;

export const rateAt = (schedule: Schedule, share: number): number => schedules[schedule](share);
