// Where a chain starts: the given position, or the first of a hundred tries at which density and gradient are finite, and the density is known to
// within a small part of 1.
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { Failure, Start } from "../engine.ts";
import type { Point } from "./phase.ts";

/** Stan's number. */
export const START_TRIES = 100;

/**
 * A sampler decides by differences of log densities, and has them to |log p| ε at best. Where that is no small part of 1, it decides by rounding: a
 * chain that starts where errors of a recurrence grow exponentially (log p = -10^70) is flung anywhere, or does not move. Other tries are better, and
 * where none is, the one of greatest density.
 */
const LARGEST_RESOLVED = 0.01 / Number.EPSILON;

const NO_TAIL = new Float64Array(0);

/** What a start needs of a point. */
export type StartingPoint = Pick<Point, "position" | "gradient" | "logDensity">;

/** Attempts until one is good; of others that are finite, the position of the densest. */
export function seekStart(tries: number, attempt: () => StartingPoint): "here" | "nowhere" | Float64Array {
  let best: { readonly position: Float64Array; readonly logDensity: number } | undefined;
  for (let i = 0; i < tries; i++) {
    const { position, gradient, logDensity } = attempt();
    if (!Number.isFinite(logDensity) || !gradient.every(Number.isFinite)) continue;
    if (tries === 1 || Math.abs(logDensity) <= LARGEST_RESOLVED) return "here";
    if (best === undefined || logDensity > best.logDensity) best = { position: position.slice(), logDensity };
  }
  return best?.position ?? "nowhere";
}

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
  const { position: q } = point;
  const attempt = (): StartingPoint => {
    if (given !== undefined) q.set(given);
    else {
      for (let i = 0; i < q.length; i++) q[i] = radius === 0 ? 0 : radius * (2 * rng.uniform() - 1);
      q.set(tail, q.length - tail.length);
    }
    evaluator.evaluate(point);
    return point;
  };
  const found = seekStart(tries, attempt);
  if (found === "here") return undefined;
  if (found !== "nowhere") {
    q.set(found);
    evaluator.evaluate(point);
    return undefined;
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
