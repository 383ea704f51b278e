// Where a chain starts: the given position, or the first of a hundred tries at which density and gradient are finite, the density is known to
// within a small part of 1, and the gradient is its slope.
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

/**
 * It moves by gradients: where these are not the slope of the density, no step is small enough, and steps become ever smaller. That is so where
 * what is computed is mostly error, as the logarithm of a solution far below the tolerance of its equation is. While log p rises by 1000, where
 * an error of the energy is a divergence, it is off by 1000 times this part. Of 1608 tries on the 134 posteriors of posteriordb none but those
 * of differential equations are off by more than a tenth of it; of 48 chains on the lynx and the hare ten did not come from where they began,
 * and all of them are.
 */
const LARGEST_SLOPE_ERROR = 1e-3;
/** How far the density changes to tell its slope, beside what rounding does to it, and how far a position moves at least. */
const SLOPE_CHANGE = 1e-3;
const SQRT_EPSILON = 1.4901161193847656e-8;

const NO_TAIL = new Float64Array(0);

/** What a start needs of a point. */
export type StartingPoint = Pick<Point, "position" | "gradient" | "logDensity">;

/** Attempts until one is good; of others that are finite, the position of the densest. `evaluate` brings a point that was moved up to date. */
export function seekStart(
  tries: number,
  attempt: () => StartingPoint,
  evaluate: (point: StartingPoint) => void,
): "here" | "nowhere" | Float64Array {
  let best: { readonly position: Float64Array; readonly logDensity: number } | undefined;
  for (let i = 0; i < tries; i++) {
    const point = attempt();
    const { position, gradient, logDensity } = point;
    if (!Number.isFinite(logDensity) || !gradient.every(Number.isFinite)) continue;
    if (tries === 1 || (Math.abs(logDensity) <= LARGEST_RESOLVED && isGradientSlope(point, evaluate))) return "here";
    if (best === undefined || logDensity > best.logDensity) best = { position: position.slice(), logDensity };
  }
  return best?.position ?? "nowhere";
}

/** Whether the density changes along the gradient as that says, by a central difference. The point is left as it was. */
function isGradientSlope(point: StartingPoint, evaluate: (point: StartingPoint) => void): boolean {
  const { position, gradient, logDensity } = point;
  const [q, g] = [position.slice(), gradient.slice()];
  const size = Math.sqrt(g.reduce((s, x) => s + x * x, 0));
  if (size === 0) return true;
  const atLeastOne = Math.max(1, size);
  const reach = SQRT_EPSILON + (SLOPE_CHANGE + SQRT_EPSILON * Math.abs(logDensity)) / atLeastOne;
  const at = (distance: number): number => {
    for (let i = 0; i < q.length; i++) position[i] = q[i] + (distance / size) * g[i];
    evaluate(point);
    return point.logDensity;
  };
  const slope = (at(reach) - at(-reach)) / (2 * reach);
  position.set(q);
  gradient.set(g);
  point.logDensity = logDensity;
  return Math.abs(slope - size) <= LARGEST_SLOPE_ERROR * atLeastOne;
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
  const found = seekStart(tries, attempt, (moved) => evaluator.evaluate(moved));
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
