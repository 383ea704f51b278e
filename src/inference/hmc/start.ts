// Where a chain starts: the given position, or the first of a hundred tries at which density and gradient are finite.
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Failure, Start } from "../engine.ts";
import type { Point } from "./phase.ts";

/** Stan's number. */
export const START_TRIES = 100;

const NO_TAIL = new Float64Array(0);

/** What a start needs of a point. */
export type StartingPoint = Pick<Point, "position" | "gradient" | "logDensity">;

/** Fills `point`; the failure carries the last position tried. Positions are uniform on (-radius, radius), unconstrained. */
export function findStart(
  evaluator: { evaluate(point: StartingPoint): void },
  point: StartingPoint,
  radius: number,
  rng: Rng,
  start?: Start,
  /** Where the last coordinates begin. */
  tail: Float64Array = NO_TAIL,
): Failure | undefined {
  const given = start?.position;
  const tries = given !== undefined || radius === 0 ? 1 : START_TRIES;
  for (let attempt = 0; attempt < tries; attempt++) {
    const q = point.position;
    if (given !== undefined) q.set(given);
    else {
      for (let i = 0; i < q.length; i++) q[i] = radius === 0 ? 0 : radius * (2 * rng.uniform() - 1);
      q.set(tail, q.length - tail.length);
    }
    evaluator.evaluate(point);
    if (Number.isFinite(point.logDensity) && point.gradient.every(Number.isFinite)) return undefined;
  }
  const what = Number.isFinite(point.logDensity) ? "its gradient is not finite" : `it is ${point.logDensity}`;
  const where =
    given !== undefined
      ? "at the given starting point"
      : radius === 0
        ? "at zero"
        : `at any of ${START_TRIES} random starting points (uniform on ±${radius}, unconstrained)`;
  const last = tries > 1 ? `, at the last one ${what}` : `: ${what}`;
  return { reason: `the log density is not finite ${where}${last}`, position: point.position.slice() };
}
