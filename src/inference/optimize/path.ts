// One path of Pathfinder (Zhang, Carpenter, Gelman and Vehtari 2022, algorithm 1): L-BFGS uphill, and of the normal distributions it knows on
// its way the one with the best evidence lower bound.
import type { Rng } from "../../runtime/numeric/rng.ts";
import type { LogDensity } from "../../runtime/target.ts";
import { climb } from "./lbfgs.ts";
import { type CurvaturePair, drawNormal, nextDiagonal, normalAt, type PathNormal } from "./quasi-newton-normal.ts";

export interface PathOptions {
  readonly maxIterations: number;
  /** Steps from which the curvature is known. */
  readonly history: number;
  /** Draws that estimate the bound at each point of the path. */
  readonly elboDraws: number;
}
export interface Path {
  /** The best one; undefined where no point of the path had a finite bound. */
  readonly normal?: PathNormal;
  readonly elbo: number;
  /** At each point of the path that has a normal distribution. */
  readonly elbos: readonly number[];
  /** Where it ended. */
  readonly end: Float64Array;
  readonly evaluations: number;
  readonly interrupted: boolean;
}

/** Stan's: no further than where the log density still changes. */
const TOLERANCES = { gradientTolerance: 1e-8, relativeTolerance: 2.22e-12 };
/** Curvature that counts, relative to ‖y‖² (algorithm 3). */
const LEAST_CURVATURE = 1e-12;

/** From `start`, where density and gradient are finite; yields after each iteration. */
export function* followPath(
  density: LogDensity,
  start: Float64Array,
  options: PathOptions,
  rng: Rng,
): Generator<undefined, Path, boolean> {
  const n = density.dimension;
  const run = climb(density, start, { ...TOLERANCES, maxIterations: options.maxIterations, history: options.history });
  let pairs: CurvaturePair[] = [];
  let diagonal: Float64Array = new Float64Array(n).fill(1);
  let before: { readonly position: Float64Array; readonly gradient: Float64Array } | undefined;
  let best: PathNormal | undefined;
  let most = Number.NEGATIVE_INFINITY;
  const elbos: number[] = [];
  let evaluations = 0;
  const draw = new Float64Array(n);
  const unused = new Float64Array(n);
  let going = true;
  let next = run.next();
  while (!next.done) {
    const { position, gradient } = next.value;
    if (before !== undefined) {
      const { position: x, gradient: g } = before;
      const pair = { step: position.map((v, i) => v - x[i]), change: gradient.map((v, i) => g[i] - v) };
      let along = 0;
      let size = 0;
      for (let i = 0; i < n; i++) {
        along += pair.step[i] * pair.change[i];
        size += pair.change[i] * pair.change[i];
      }
      if (along > LEAST_CURVATURE * size && size > 0) {
        diagonal = nextDiagonal(diagonal, pair);
        pairs = [...pairs, pair].slice(-options.history);
      }
      const normal = normalAt(position, gradient, diagonal, pairs);
      if (normal !== undefined) {
        // The same noise at every point, so that the best one is not the luckiest.
        const noise = rng.split("elbo");
        let elbo = 0;
        for (let k = 0; k < options.elboDraws; k++) {
          const logQ = drawNormal(normal, noise, draw);
          elbo += (density.evaluate(draw, unused) - logQ) / options.elboDraws;
        }
        evaluations += options.elboDraws;
        elbos.push(elbo);
        if (elbo > most) {
          most = elbo;
          best = normal;
        }
      }
    }
    before = { position: position.slice(), gradient: gradient.slice() };
    going = yield;
    next = run.next(going);
  }
  return {
    ...(best ? { normal: best } : {}),
    elbo: most,
    elbos,
    end: next.value.position,
    evaluations: evaluations + next.value.evaluations,
    interrupted: !going,
  };
}
